internal import Transformer

/// Windows that go through the layers together: whole micro-batches, so that what a row computes does not depend on the group.
struct WindowGroup {
    private(set) var windows: [Window] = []
    /// Which example each window is of.
    private(set) var records: [Int] = []
    private(set) var rows = 0

    /// The windows of all examples in their order, in groups of at most so many rows, unless one window is longer.
    static func groups(of examples: [Example], rows most: Int) -> [WindowGroup] {
        var groups: [WindowGroup] = []
        var (group, micro) = (WindowGroup(), WindowGroup())
        func close() {
            if group.rows > 0 && group.rows + micro.rows > most {
                groups.append(group)
                group = WindowGroup()
            }
            group.add(micro)
            micro = WindowGroup()
        }
        for (record, example) in examples.enumerated() {
            for window in example.windows {
                if micro.rows + window.inputs.count > ScoringPlan.rowsPerMicroBatch { close() }
                micro.windows.append(window)
                micro.records.append(record)
                micro.rows += window.inputs.count
            }
        }
        close()
        return group.rows > 0 ? groups + [group] : groups
    }

    /// As rows, cut into the micro-batches that the group is made of.
    var batch: TokenBatch { TokenBatch(windows.map { Example(windows: [$0]) }, rowsPerMicroBatch: ScoringPlan.rowsPerMicroBatch) }

    private mutating func add(_ other: WindowGroup) {
        windows += other.windows
        records += other.records
        rows += other.rows
    }
}
