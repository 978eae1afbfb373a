internal import Storage
internal import SystemPackage

/// What is fuzzed: `fuzz --reader=gguf [libFuzzer's options] CORPUS`. libFuzzer, which has the main function, passes over options
/// that begin with two dashes, and hands them on to the processes it starts.
private let reader: Reader = {
    let prefix = "--reader="
    guard let argument = CommandLine.arguments.first(where: { $0.hasPrefix(prefix) }),
        let reader = Reader(rawValue: String(argument.dropFirst(prefix.count)))
    else { fatalError("usage: fuzz --reader=\(Reader.allCases.map(\.rawValue).joined(separator: "|")) [OPTIONS] [CORPUS]") }
    return reader
}()

/// libFuzzer's entry: one input. The bytes go to a file in the working directory, which should lie in memory.
///
/// Any error that a user could be shown is a good end; whatever else happens is a finding.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe UnsafeBufferPointer(start: start, count: count)
    let path = FilePath(reader.fileName)
    do {
        let file = try FileDescriptor.open(path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        _ = try file.closeAfter { unsafe try file.writeAll(bytes) }
        try reader.read(path)
    } catch let error as any DiagnosedError {
        precondition(error.description.utf8.count < 1 << 16, "too long to be read: \(error.kind)")
    } catch {
        fatalError("no error for a user: \(error)")
    }
    return 0
}
