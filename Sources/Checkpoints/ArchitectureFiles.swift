extension Architecture {
    /// The files of Formats/Architectures, as they are compiled in.
    static let files: [[UInt8]] = [
        PackageResources.bloom_json, PackageResources.falcon_json, PackageResources.gemma_json, PackageResources.gemma2_json,
        PackageResources.gemma3_text_json, PackageResources.gpt2_json, PackageResources.gpt_neo_json, PackageResources.gpt_neox_json,
        PackageResources.granite_json, PackageResources.llama_json, PackageResources.mistral_json, PackageResources.mixtral_json,
        PackageResources.olmo_json, PackageResources.olmo2_json, PackageResources.olmoe_json, PackageResources.opt_json,
        PackageResources.phi_json, PackageResources.phi3_json, PackageResources.qwen2_json, PackageResources.qwen2_moe_json,
        PackageResources.qwen3_json, PackageResources.qwen3_moe_json, PackageResources.smollm3_json, PackageResources.stablelm_json,
    ]
}
