import Checkpoints
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

struct TensorFileTests {
    private let tensors: [(name: String, shape: [Int])] = [
        ("logits", [2, 3]), ("b", [1]), ("none", [0, 5]), ("scalar", []), ("é \"\n", [2]),
    ]

    @Test func isASafetensorsFileOfWhatWasWritten() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("t.safetensors")
            let file = try TensorFile(path, tensors: tensors, replacing: false)
            try file.write("é \"\n", from: 1, [9].span)
            try file.write("logits", from: 4, [5, 6].span)
            try file.write("logits", from: 0, [1, 2, 3].span)
            try file.write("scalar", from: 0, [-7].span)
            try file.write("none", from: 0, [Float]().span)
            #expect(FileSystem.kind(of: path) == nil)
            try file.commit()
            let checkpoint = try Checkpoint(path)
            #expect(checkpoint.tensors.filter { $0.byteCount > 0 }.map(\.name) == ["logits", "b", "scalar", "é \"\n"])
            for (name, shape) in tensors {
                #expect(checkpoint.tensor(named: name)?.shape == shape && checkpoint.tensor(named: name)?.dtype == .f32)
            }
            let values = try ["logits", "b", "none", "scalar", "é \"\n"].map { name in
                let tensor = try #require(checkpoint.tensor(named: name))
                var values = [Float](repeating: .nan, count: tensor.elementCount)
                var span = values.mutableSpan
                try checkpoint.read(name, from: 0, into: &span)
                return values
            }
            #expect(values == [[1, 2, 3, 0, 5, 6], [0], [], [-7], [0, 9]])
        }
    }

    @Test(arguments: 0..<9)
    func dataBeginsAtAMultipleOf8(_ extra: Int) throws {
        try withScratchDirectory { directory in
            let path = directory.appending("t.safetensors")
            try TensorFile(path, tensors: [(String(repeating: "x", count: extra), [1])], replacing: false).commit()
            let header = try SafetensorsHeader(of: InputFile(path))
            #expect(header.bytes.count % 8 == 0)
            #expect(header.metadata?.map(\.value) == ["pt"])
            #expect(header.tensors.map(\.offset) == [header.bytes.count])
        }
    }

    @Test func canHoldNoTensor() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("t.safetensors")
            try TensorFile(path, tensors: [], replacing: false).commit()
            #expect(try Checkpoint(path).tensors.isEmpty)
        }
    }

    @Test func replacesOnlyWhatItMayAndLeavesNothing() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("t.safetensors")
            try write([1], to: path)
            let error = try #require(throws: StorageError.self) { try TensorFile(path, tensors: tensors, replacing: false) }
            #expect(error.kind == "output-exists")
            do { try TensorFile(path, tensors: tensors, replacing: true).write("b", from: 0, [1].span) }
            #expect(try contents(of: directory) == ["t.safetensors": [1]])
            try TensorFile(path, tensors: tensors, replacing: true).commit()
            #expect(try Checkpoint(path).tensors.count == 5)
            #expect(try FileSystem.names(in: directory) == ["t.safetensors"])
        }
    }
}
