// swift-tools-version:6.2
import PackageDescription

/// What every target is compiled with: the language's own checks at their strictest.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

func library(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name + "Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies, swiftSettings: strict)
}

let package = Package(
    name: "excise",
    products: [
        .executable(name: "excise", targets: ["excise"]),
        .library(
            name: "Excise",
            targets: [
                "Storage", "Tensors", "Checkpoints", "Tokenizers", "Transformer", "Surgery", "Verification", "Comparison", "Patches",
                "Signing",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CArchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CJSONC", providers: [.apt(["libjson-c-dev"])]),
        .systemLibrary(name: "CPCRE2", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLinux"),

        library("Storage", ["CArchive", "CJSONC", "CLinux", "COpenSSL", "CZlib", system]),
        library("Tensors", ["COpenBLAS"]),
        library(
            "Checkpoints", ["Storage", "Tensors", system],
            resources: [
                .embedInCode("../../Formats/Architectures/bloom.json"),
                .embedInCode("../../Formats/Architectures/falcon.json"),
                .embedInCode("../../Formats/Architectures/gemma.json"),
                .embedInCode("../../Formats/Architectures/gemma2.json"),
                .embedInCode("../../Formats/Architectures/gemma3_text.json"),
                .embedInCode("../../Formats/Architectures/gpt2.json"),
                .embedInCode("../../Formats/Architectures/gpt_neo.json"),
                .embedInCode("../../Formats/Architectures/gpt_neox.json"),
                .embedInCode("../../Formats/Architectures/granite.json"),
                .embedInCode("../../Formats/Architectures/llama.json"),
                .embedInCode("../../Formats/Architectures/mistral.json"),
                .embedInCode("../../Formats/Architectures/mixtral.json"),
                .embedInCode("../../Formats/Architectures/olmo.json"),
                .embedInCode("../../Formats/Architectures/olmo2.json"),
                .embedInCode("../../Formats/Architectures/olmoe.json"),
                .embedInCode("../../Formats/Architectures/opt.json"),
                .embedInCode("../../Formats/Architectures/phi.json"),
                .embedInCode("../../Formats/Architectures/phi3.json"),
                .embedInCode("../../Formats/Architectures/qwen2.json"),
                .embedInCode("../../Formats/Architectures/qwen2_moe.json"),
                .embedInCode("../../Formats/Architectures/qwen3.json"),
                .embedInCode("../../Formats/Architectures/qwen3_moe.json"),
                .embedInCode("../../Formats/Architectures/smollm3.json"),
                .embedInCode("../../Formats/Architectures/stablelm.json"),
            ]),
        library("Comparison", ["Checkpoints", "Tensors", "Storage"]),
        library("Patches", ["Checkpoints", "Tensors", "Storage", system]),
        library("Signing", ["Checkpoints", "COpenSSL", "Tensors", "Storage", system]),
        library("Tokenizers", ["CPCRE2", "Storage", system]),
        library("Transformer", ["Checkpoints", "Tensors", "Storage", system]),
        library("Surgery", ["Transformer", "Checkpoints", "Tensors", "Storage", system]),
        library(
            "Verification", ["Transformer", "Checkpoints", "Tokenizers", "Tensors", "Storage", system],
            resources: [
                .embedInCode("../../Formats/Policies/quick.json"), .embedInCode("../../Formats/Policies/release.json"),
                .embedInCode("../../Formats/Policies/audit.json"),
            ]),
        .executableTarget(
            name: "excise",
            dependencies: [
                "Surgery", "Verification", "Comparison", "Patches", "Signing", "Transformer", "Checkpoints", "Tokenizers", "Tensors",
                "Storage",
                arguments,
                system,
            ],
            swiftSettings: strict),

        .target(
            name: "TestSupport", dependencies: ["Checkpoints", "Transformer", "Tensors", "Storage", system],
            path: "Tests/TestSupport", swiftSettings: strict),
        .executableTarget(
            name: "benchmark", dependencies: ["Checkpoints", "Transformer", "Tensors", "Storage", system], path: "Tests/Benchmark",
            exclude: ["scale"],
            swiftSettings: strict),
        tests("Storage", [system]),
        tests("Tensors", []),
        tests("Checkpoints", ["Storage", "Tensors", "Tokenizers", system]),
        tests("Comparison", ["Checkpoints", "Tensors", "Storage", system]),
        tests("Patches", ["Checkpoints", "Tensors", "Storage", system]),
        tests("Signing", ["Checkpoints", "Tensors", "Storage", system]),
        tests("Tokenizers", ["Storage", system]),
        tests("Transformer", ["Checkpoints", "Tensors", "Storage", system]),
        tests("Surgery", ["Transformer", "Checkpoints", "Tensors", "Storage", system]),
        tests("Verification", ["Transformer", "Checkpoints", "Tokenizers", "Tensors", "Storage", system]),
        tests("excise", ["Checkpoints", "Storage", "Tensors", system]),
    ]
)

if Context.environment["EXCISE_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["Verification", "Patches", "Signing", "Checkpoints", "Tokenizers", "Storage", system],
            path: "Tests/Fuzz",
            exclude: ["run", "seeds.py"], swiftSettings: strict))
}
