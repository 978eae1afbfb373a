import Checkpoints
import Storage
import SystemPackage
import Tensors
import TestSupport
import Testing

struct CheckpointLayoutTests {
    private func tensor(_ name: String, _ bytes: Int) -> TensorDescription { TensorDescription(name: name, dtype: .u8, shape: [bytes]) }

    @Test func fillsGroupsInOrder() {
        let tensors = [tensor("a", 4), tensor("b", 4), tensor("c", 3), tensor("d", 20), tensor("e", 1), tensor("f", 0), tensor("g", 8)]
        #expect(CheckpointLayout.groups(of: tensors, size: 8).map { $0.map(\.name) } == [["a", "b"], ["c"], ["d"], ["e", "f"], ["g"]])
        #expect(CheckpointLayout.groups(of: tensors, size: 1000).count == 1)
        #expect(CheckpointLayout.groups(of: [], size: 8) == [[]])
    }

    @Test func namesOneFileWithoutAnIndex() {
        let layout = CheckpointLayout([[tensor("a", 4)]], order: .canonical, metadata: [])
        #expect(layout.shards.map(\.name) == ["model.safetensors"])
        #expect(layout.index == nil)
    }

    @Test func indexesShards() throws {
        let layout = CheckpointLayout([[tensor("b", 4)], [tensor("a", 2), tensor("c", 1)]], order: .preserve, metadata: [])
        #expect(layout.shards.map(\.name) == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"])
        let index = try #require(layout.index)
        #expect(index.name == "model.safetensors.index.json")
        #expect(
            String(decoding: index.contents, as: UTF8.self) == """
                {
                  "metadata": {
                    "total_parameters": 7,
                    "total_size": 7
                  },
                  "weight_map": {
                    "a": "model-00002-of-00002.safetensors",
                    "b": "model-00001-of-00002.safetensors",
                    "c": "model-00002-of-00002.safetensors"
                  }
                }

                """)
    }

    @Test func preservesShardsByteForByte() throws {
        let checkpoint = try Checkpoint(Fixture.directory.appending("llama-sharded"))
        let layout = try CheckpointLayout(preserving: checkpoint)
        #expect(layout.shards.map(\.name) == checkpoint.shards.map(\.name))
        #expect(layout.shards.map(\.layout.header) == checkpoint.shards.map { $0.safetensors?.bytes })
        #expect(try layout.index?.contents == checkpoint.index?.contents())
    }
}
