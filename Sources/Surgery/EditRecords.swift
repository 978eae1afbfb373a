package import Transformer

/// The records an edit works with, as tokens.
package struct EditRecords: Sendable {
    /// To be forgotten.
    package var forget: [Example]
    /// Each to keep its own loss.
    package var keep: [Example]
    /// Neighbours of the forget text, and unseen text like it: each to keep its own loss too, without being what was asked to be kept.
    package var held: [Example]
    /// Unseen text like the forget text: what its loss is, that of the forget text is brought to.
    package var unseen: [Example]
    /// General text that the Fisher is made of.
    package var retain: [Example]
    /// General text whose perplexity is watched: best none of what the Fisher is made of.
    package var watched: [Example]

    /// - Parameter watched: nil: the first of the retain records.
    package init(
        forget: [Example], keep: [Example], held: [Example] = [], unseen: [Example] = [], retain: [Example], watched: [Example]? = nil
    ) {
        self.forget = forget
        self.keep = keep
        self.held = held
        self.unseen = unseen
        self.retain = retain
        self.watched = watched ?? Self.first(of: retain)
    }

    /// What is watched where nothing can be set apart for it.
    private static func first(of retain: [Example]) -> [Example] { Array(retain.prefix(16)) }

    /// Examples that each stand for `count` samples (the last for what is left), so that a gradient is a micro-batch's: the loss is
    /// the mean over the tokens of all of them.
    package static func microBatches(_ samples: [Example], of count: Int) -> [Example] {
        stride(from: 0, to: samples.count, by: count).map { start in
            Example(windows: samples[start..<min(samples.count, start + count)].flatMap(\.windows))
        }
    }

    /// Samples of the retain text among which neighbours are looked for.
    package static let mostCandidates = 4096
    /// How many neighbours, and how many unseen records, are held where nothing is said: as many as there are records to forget, within
    /// these bounds. A few are too few: what is not held drifts with each of several successive edits.
    private static let heldRecords = 16...64
    /// Of so many samples of the retain text, one is watched.
    private static let watchedShare = 5

    /// How many samples of the retain text are to be drawn, so that so many are left beside those that are watched.
    package static func withWatched(_ count: Int) -> Int { count + (count + watchedShare - 2) / (watchedShare - 1) }

    /// The records of an edit from the texts it is given.
    ///
    /// - Parameters:
    ///   - unseen: unseen records like those to forget; every other one is held, within bounds.
    ///   - samples: of the retain text: every fifth is watched, unless it is in one of the sets above, which an edit knows what to do with;
    ///     the others are what the Fisher is made of.
    ///   - candidates: of the retain text: those that resemble the records to forget most are held, but none that is watched: what is held
    ///     tells nothing of the rest.
    ///   - neighbours: how many of these; nil: as many as there are records to forget, within bounds.
    package init(
        forget: [Example], keep: [Example], unseen: [Example], samples: [Example], candidates: [Example], neighbours: Int?
    ) {
        let count = min(max(forget.count, Self.heldRecords.lowerBound), Self.heldRecords.upperBound)
        let named = Set((forget + keep + unseen).flatMap(\.windows))
        let sets = Dictionary(grouping: samples.indices) { index in
            index % Self.watchedShare == Self.watchedShare - 1 && named.isDisjoint(with: samples[index].windows)
        }
        let retain = (sets[false] ?? []).map { samples[$0] }
        let watched = sets[true]?.map { samples[$0] } ?? Self.first(of: retain)
        let watchedWindows = Set(watched.flatMap(\.windows))
        let others = candidates.filter { watchedWindows.isDisjoint(with: $0.windows) }
        let close = Resemblance(others).closest(neighbours ?? count, to: forget)
        let held = unseen.enumerated().filter { $0.offset % 2 == 1 }.prefix(count).map(\.element)
        self.init(
            forget: forget, keep: keep, held: close.map { others[$0] } + held, unseen: unseen,
            retain: retain, watched: watched)
    }
}
