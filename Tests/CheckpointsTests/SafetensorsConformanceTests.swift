import Checkpoints
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

/// The files of Tests/Fixtures/make_malformed_safetensors.py: each malformed one is refused for its own reason, each odd one is read.
@Suite struct SafetensorsConformanceTests {
    /// A file, and what cases.json says of it.
    struct Case: Sendable, CustomTestStringConvertible {
        let path: FilePath
        let row: Int
        let kind: String
        let tensors: [String]
        let warnings: [String]

        var testDescription: String { path.lastComponent?.string ?? "" }

        static func all(in folder: String) throws -> [Case] {
            let directory = Fixture.directory.appending(folder)
            return try (InputFile.json(directory.appending("cases.json"))["cases"]?.array ?? []).map { entry in
                Case(
                    path: directory.appending(entry["file"]?.string ?? ""), row: entry["row"]?.integer ?? 0,
                    kind: entry["kind"]?.string ?? "",
                    tensors: entry["tensors"]?.array?.map { $0.serialized() } ?? [],
                    warnings: entry["warnings"]?.array?.compactMap(\.string) ?? [])
            }
        }
    }

    @Test(arguments: try Case.all(in: "malformed"))
    func refusesWhatIsMalformed(_ file: Case) throws {
        let error = try checkpointError { _ = try SafetensorsHeader(of: InputFile(file.path)) }
        #expect(error.kind == file.kind, "\(error)")
        #expect(try SafetensorsHeader.defects(of: InputFile(file.path)).first?.description == error.description)
        #expect(error.fault == .malformedInput)
        #expect(error.description.hasPrefix("\(file.path): "))
        #expect(error.description.utf8.count < 1000 && !error.description.unicodeScalars.contains { $0.value < 0x20 })
    }

    @Test(arguments: try Case.all(in: "odd"))
    func readsWhatIsOdd(_ file: Case) throws {
        let header = try SafetensorsHeader(of: InputFile(file.path))
        #expect(file.kind == "valid")
        #expect(try SafetensorsHeader.defects(of: InputFile(file.path)).isEmpty)
        #expect(
            header.tensors.map {
                JSONValue.array([.string($0.name), .string($0.dtype.rawValue), .array($0.shape.map(JSONValue.integer))]).serialized()
            } == file.tensors)
        #expect(header.warnings.map(\.rawValue) == file.warnings)
    }

    @Test(arguments: ["malformed", "odd"])
    func listsEveryFileOnce(_ folder: String) throws {
        let listed = try Case.all(in: folder).map(\.testDescription).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(try FileSystem.names(in: Fixture.directory.appending(folder)).filter { $0 != "cases.json" } == listed)
        #expect(listed.count > 60)
    }

    /// Rows 26 and 28 are files that the tests of the header make.
    @Test func coversEveryRow() throws {
        let rows = try Set((Case.all(in: "malformed") + Case.all(in: "odd")).map(\.row))
        #expect(rows == Set(1...27).subtracting([26]))
    }

    /// Formats/safetensors-codes.md explains each code of ours and no other.
    @Test func everyCodeIsDocumented() throws {
        let page = String(decoding: try InputFile.contents(of: Fixture.project.appending("Formats/safetensors-codes.md")), as: UTF8.self)
        let codes = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { String($0.dropFirst(3).prefix { $0 != "`" }) }
        #expect(
            Set(codes)
                == Set(
                    HeaderDefect.allCases.map(\.rawValue) + HeaderWarning.allCases.map(\.rawValue) + IndexDefect.allCases.map(\.rawValue)))
        #expect(Set(codes).count == codes.count)
        #expect(try Set(Case.all(in: "malformed").map(\.kind)).isSubset(of: codes))
    }
}
