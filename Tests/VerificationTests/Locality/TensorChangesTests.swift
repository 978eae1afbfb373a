import Checkpoints
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing
import Verification

struct TensorChangesTests {
    /// A safetensors file of F32 tensors of one element.
    private func checkpoint(_ values: KeyValuePairs<String, UInt8>, in directory: FilePath, _ name: String) throws -> Checkpoint {
        var header: [(name: String, value: JSONValue)] = []
        for (index, tensor) in values.enumerated() {
            let offsets = JSONValue.array([.integer(4 * index), .integer(4 * index + 4)])
            header.append((tensor.key, .members(["dtype": "F32", "shape": [1], "data_offsets": offsets])))
        }
        let text = Array(JSONValue.object(JSONObject(members: header)).serialized().utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
        let path = directory.appending(name)
        try write(length + text + values.flatMap { [$0.value, 0, 0, 0] }, to: path)
        return try Checkpoint(path)
    }

    @Test func namesWhatDiffers() throws {
        try withScratchDirectory { directory in
            let base = try checkpoint(["a": 1, "b": 2, "c": 3, "d": 4], in: directory, "base.safetensors")
            // In another order: that is no change.
            let edited = try checkpoint(["e": 5, "c": 3, "b": 9, "a": 1], in: directory, "edited.safetensors")
            let changes = try TensorChanges(base, edited, declared: ["b", "a"])
            #expect(changes.identical == 2 && changes.changed == ["b"] && changes.added == ["e"] && changes.removed == ["d"])
            #expect(changes.undeclared == ["e", "d"])
            #expect(try TensorChanges(base, edited, declared: nil).undeclared == nil)
            #expect(try TensorChanges(base, base, declared: []).undeclared == [])
        }
    }

    @Test func readsWhatAnEditDeclared() throws {
        try withScratchDirectory { directory in
            let path = directory.appending("report.json")
            try write(Array(#"{"command":"edit","tensors_edited":["x","y"]}"#.utf8), to: path)
            #expect(try EditDeclaration.tensors(report: path) == ["x", "y"])
            for text in ["{}", "[]", #"{"tensors_edited":["x",1]}"#, #"{"tensors_edited":"x"}"#] {
                try write(Array(text.utf8), to: path)
                let error = try #require(throws: VerificationError.self) { try EditDeclaration.tensors(report: path) }
                #expect(error.kind == "edit-report" && error.fault == .malformedInput)
            }
        }
    }
}
