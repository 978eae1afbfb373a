internal import ArgumentParser
internal import Glibc
internal import Storage

@main
struct Excise: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "excise",
        abstract: "Makes a language model's checkpoint forget chosen text, offline, and proves what it did.",
        version: version,
        subcommands: [
            InspectCommand.self, TokenizeCommand.self, TraceCommand.self, GenerateCommand.self, ScoreCommand.self, PerplexityCommand.self,
            EditCommand.self, VerifyCommand.self, DiffCommand.self, PatchCommand.self, SignCommand.self,
            CheckSignatureCommand.self, ConvertCommand.self, PackCommand.self, UnpackCommand.self,
        ])

    static func main() {
        ProcessAccount.giveBackLargeBuffers()
        Interruption.install()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as any DiagnosedError {
            fail(code: error.fault.rawValue, kind: error.kind, message: error.description)
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            if CommandLine.arguments.contains("--json") {
                fail(code: Fault.usage.rawValue, kind: "usage", message: message(for: error))
            }
            exit(withError: error)
        }
    }

    /// Says what went wrong, as CONTRACT asks, and ends the process. Everything that was staged is gone by now.
    private static func fail(code: Int32, kind: String, message: String) -> Never {
        if CommandLine.arguments.contains("--json") {
            let report = JSONValue.members([
                "error": .members(["code": .integer(Int(code)), "kind": .string(kind), "message": .string(message)])
            ])
            print(report.serialized(pretty: true))
        }
        standardError("excise: \(message)")
        Glibc.exit(code)
    }
}
