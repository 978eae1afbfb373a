/// Why an index of shards is refused. Formats/safetensors-codes.md says the same to readers.
package enum IndexDefect: String, Sendable, CaseIterable {
    case indexTooLarge = "index-too-large"
    case fileChanged = "file-changed"
    case jsonSyntax = "json-syntax"
    case duplicateName = "duplicate-name"
    case notAnObject = "not-an-object"
    case metadata
    case totalSize = "total-size"
    case weightMap = "weight-map"
    case tooManyTensors = "too-many-tensors"
    case shardName = "shard-name"
    case shardCount = "shard-count"
}
