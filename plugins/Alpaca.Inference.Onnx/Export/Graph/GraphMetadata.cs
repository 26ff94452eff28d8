namespace Alpaca.Inference.Onnx;

/// <summary>What an exported model says about itself (<c>metadata_props</c>).</summary>
internal static class GraphMetadata
{
    /// <summary>Whether past and present may be one buffer, <see cref="Shared"/>, or the present is a longer copy of the past, <see cref="Growing"/>.</summary>
    public const string KvCache = "alpaca.kv_cache";

    public const string Shared = "shared";

    public const string Growing = "growing";

    /// <summary><c>fp32</c>, <c>fp16</c>, <c>int8</c> or <c>int4</c>.</summary>
    public const string Precision = "alpaca.precision";

    /// <summary><c>true</c> or <c>false</c>: whether the graph has inputs for LoRA matrices.</summary>
    public const string AdapterInputs = "alpaca.adapter_inputs";
}
