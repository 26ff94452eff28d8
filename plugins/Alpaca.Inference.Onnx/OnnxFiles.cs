namespace Alpaca.Inference.Onnx;

/// <summary>The files of an ONNX model folder.</summary>
internal static class OnnxFiles
{
    /// <summary>The graph.</summary>
    public const string Model = "model.onnx";

    /// <summary>The weights.</summary>
    public const string Data = "model.onnx.data";

    /// <summary>The Hugging Face configuration of the model that was exported.</summary>
    public const string Config = "config.json";

    /// <summary>Hugging Face's defaults for generation.</summary>
    public const string GenerationConfig = "generation_config.json";

    /// <summary>What onnxruntime-genai reads.</summary>
    public const string GenaiConfig = "genai_config.json";

    /// <summary>What the export stage did, and how exact the result is.</summary>
    public const string Report = "export_report.json";
}
