extension Array {
    /// At most `most` of the elements, evenly spaced, the first among them.
    func evenly(_ most: Int) -> [Element] {
        let number = Swift.min(count, most)
        return (0..<number).map { self[$0 * count / number] }
    }
}
