/// What taps take beside the sweeps that show them gradients.
package struct TapNeed: Sendable {
    /// While a tap is shown a linear map, in numbers of four bytes.
    package struct Shown: Sendable {
        /// For each token row that it is shown at once.
        package var columns: Int
        package var numbers: Int

        package init(columns: Int = 0, numbers: Int = 0) { (self.columns, self.numbers) = (columns, numbers) }
    }

    /// From the first sweep to the last, in bytes.
    package var held: Int
    /// Between sweeps, when no layer is in memory, in bytes.
    package var between: Int
    /// By the name of the map's weight.
    package var maps: [String: Shown]

    package init(held: Int = 0, between: Int = 0, maps: [String: Shown] = [:]) {
        (self.held, self.between, self.maps) = (held, between, maps)
    }
}
