internal import Checkpoints
internal import Tensors

extension CheckpointComparison {
    /// What differs, what matters most first: what has no counterpart or cannot be compared, then by the statistic, falling.
    package func ranking(by statistic: Statistic) -> [TensorComparison] {
        func weight(_ tensor: TensorComparison) -> Double { tensor.value(of: statistic) ?? .infinity }
        return tensors.filter { $0.status != .equal }.enumerated().sorted {
            (weight($0.element), $1.offset) > (weight($1.element), $0.offset)
        }.map(\.element)
    }

    /// A line for each of those tensors, with one statistic or the usual ones.
    package static func table(_ tensors: [TensorComparison], only statistic: Statistic?) -> TextTable {
        if let statistic {
            return TextTable(
                ["tensor", "status", statistic.rawValue],
                tensors.map { [$0.printableName, $0.statusText, $0.value(of: statistic)?.text(digits: 6) ?? "-"] })
        }
        return TextTable(
            ["tensor", "status", "changed", "max ulps", "NaN, inf", "max |d|", "rms d", "relative L2", "1 - cosine"],
            tensors.map { tensor in
                let sums = tensor.sums
                let numbers = [sums?.maxAbs, sums?.rms, sums?.relativeL2, sums?.cosineDistance].map { $0?.text() ?? "-" }
                let share = tensor.value(of: .changedShare).map { ($0 * 100).text() + " %" } ?? "-"
                let ulps = sums?.ulps.map { "\($0.largest)" } ?? "-"
                return [tensor.printableName, tensor.statusText, share, ulps, sums?.nonFiniteText ?? "-"] + numbers
            })
    }

    /// A line for each group.
    static func table(_ groups: [GroupComparison], headed heading: String) -> TextTable {
        TextTable(
            [heading, "tensors", "different", "changed", "max |d|", "rms d", "relative L2", "1 - cosine", "KS", "W₁"],
            groups.map { group in
                let sums = group.sums
                let share = sums?.changedShare.map { ($0 * 100).text() + " %" } ?? "-"
                let numbers = [
                    sums?.maxAbs, sums?.rms, sums?.relativeL2, sums?.cosineDistance, group.distribution?.kolmogorovSmirnov,
                    group.distribution?.wasserstein,
                ].map { $0?.text() ?? "-" }
                return [printable(group.name), "\(group.tensors)", "\(group.different)", share] + numbers
            })
    }

    /// A line for each of those tensors whose spectra were computed.
    package static func spectra(_ tensors: [TensorComparison]) -> TextTable {
        func tail(_ tail: PowerLawTail?) -> String { tail.map { $0.isFitted ? $0.alpha.text() : "not fitted (\($0.alpha.text()))" } ?? "-" }
        return TextTable(
            ["tensor", "largest s", "stable rank", "effective rank", "of", "energy of the 32 largest", "tail before", "tail after"],
            tensors.compactMap { tensor in
                guard let spectra = tensor.spectra else { return nil }
                let spectrum = spectra.difference
                let energy = spectrum?.keptEnergy.map { ($0 * 100).text() + " %" } ?? "-"
                return [
                    tensor.printableName, spectrum?.singularValues.first?.text() ?? "-", spectrum?.stableRank?.text() ?? "-",
                    spectrum?.effectiveRank?.text() ?? "-", spectrum.map { "\($0.side)" } ?? "-", energy, tail(spectra.tails?.before),
                    tail(spectra.tails?.after),
                ]
            })
    }

    /// A name fit for a terminal.
    fileprivate static func printable(_ name: String) -> String { String(CheckpointError.quoted(name).dropFirst().dropLast()) }

    /// Every tensor with every number, at full precision; what there is not is empty.
    package var spreadsheet: TextTable {
        TextTable(
            ["name", "status", "layer", "kind", "dtype_before", "dtype_after", "shape_before", "shape_after", "elements"]
                + Statistic.allCases.map(\.rawValue) + ["nan_before", "nan_after", "infinite_before", "infinite_after", "remark"],
            tensors.map { tensor in
                func shape(_ tensor: TensorDescription?) -> String { tensor?.shape.map(String.init).joined(separator: "x") ?? "" }
                let sums = tensor.sums
                let head = [
                    tensor.name, tensor.status.rawValue, tensor.place.layer.map(String.init) ?? "", tensor.place.kind,
                    tensor.before?.dtype.rawValue ?? "", tensor.after?.dtype.rawValue ?? "", shape(tensor.before), shape(tensor.after),
                    "\(tensor.elements)",
                ]
                let counts = [sums?.before.nan, sums?.after.nan, sums?.before.infinite, sums?.after.infinite].map { $0?.description ?? "" }
                return head + Statistic.allCases.map { tensor.value(of: $0)?.description ?? "" } + counts + [tensor.remark ?? ""]
            })
    }
}

extension TensorComparison {
    /// Fit for a terminal.
    var printableName: String { CheckpointComparison.printable(name) }

    /// The status, and what differs beside the elements.
    var statusText: String {
        guard status == .changed, let before, let after else { return status.rawValue }
        if before.shape != after.shape { return "\(before.shape) to \(after.shape)" }
        return before.dtype == after.dtype ? "changed, \(after.dtype.rawValue)" : "\(before.dtype.rawValue) to \(after.dtype.rawValue)"
    }
}

extension DifferenceSums {
    /// Counts of elements that are NaN or infinite, after; with those before where they differ.
    var nonFiniteText: String {
        let (old, new) = (before.nan + before.infinite, after.nan + after.infinite)
        return changesNonFinite ? "\(old) to \(new)" : "\(new)"
    }
}

extension CheckpointComparison {
    /// The tensors that break a bound (`TensorComparison.exceeds`).
    package func tensors(above bound: Double, of statistic: Statistic) -> [TensorComparison] {
        tensors.filter { $0.status != .equal && $0.exceeds(bound, of: statistic) }
    }

    /// What became of the tensors, in a line.
    package var summary: String {
        func counted(_ status: TensorComparison.Status) -> String? {
            let count = tensors.count { $0.status == status }
            return count == 0 ? nil : "\(count) \(status.rawValue)"
        }
        let counts = [counted(.equal), counted(.changed), counted(.added), counted(.removed)].compactMap { $0 }.joined(separator: ", ")
        return "\(tensors.count) tensors: \(counts.isEmpty ? "none" : counts)."
    }
}
