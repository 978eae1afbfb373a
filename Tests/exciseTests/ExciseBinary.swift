import Foundation
import Storage
import SystemPackage
import TestSupport

/// The command line as a user has it: the built program, run in a directory of its own.
struct ExciseBinary {
    struct Result {
        let status: Int32
        let output: String
        let errors: String

        /// Standard output as the one JSON document that it is to be.
        func json() throws -> JSONValue { try JSONValue(parsing: Array(output.utf8).span) }
    }

    /// Beside the test program.
    static let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent(
        "excise"
    ).path

    /// - Parameter signal: sent as soon as it has said on standard error what it is at.
    static func run(
        _ arguments: [String], in directory: FilePath? = nil, environment: [String: String] = [:], interruptedBy signal: Int32? = nil
    ) throws -> Result {
        let process = Process()
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory.string) }
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        var log = Data()
        if let signal {
            log = errors.fileHandleForReading.availableData
            kill(process.processIdentifier, signal)
        }
        let text = output.fileHandleForReading.readDataToEndOfFile()
        log += errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: String(decoding: text, as: UTF8.self), errors: String(decoding: log, as: UTF8.self))
    }
}

/// A directory for one test, removed with it.
final class WorkingDirectory {
    let path: FilePath

    init() throws {
        path = FilePath(NSTemporaryDirectory()).appending("excise-test-\(UUID().uuidString)")
        try FileSystem.createDirectory(path)
    }

    deinit { FileSystem.remove(path) }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        let file = path.appending(name)
        try Data(bytes).write(to: URL(fileURLWithPath: file.string))
        return file.string
    }

    func write(_ name: String, _ text: String) throws -> String { try write(name, text.utf8) }

    /// A copy of a file or directory.
    func copy(_ source: FilePath, as name: String) throws -> FilePath {
        let target = path.appending(name)
        try FileManager.default.copyItem(atPath: source.string, toPath: target.string)
        return target
    }

    var names: [String] { (try? FileSystem.names(in: path)) ?? [] }
}

/// The embedded example.
enum Quickstart {
    static let directory = Fixture.project.appending("Examples/quickstart")
    static let model = directory.appending("model").string

    static func file(_ name: String) -> String { directory.appending(name).string }

    static func lines(_ name: String) throws -> [String] {
        String(decoding: try InputFile.contents(of: directory.appending(name)), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
