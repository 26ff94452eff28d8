using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Which model to load, and how.</summary>
public sealed record ModelOptions
{
    /// <summary>The backend's name.</summary>
    public required string Backend { get; init; }

    /// <summary>The model's folder.</summary>
    public required string Folder { get; init; }

    /// <summary>A folder with another tokenizer. The default is none: the adapter's own, else the model's.</summary>
    public string? TokenizerFolder { get; init; }

    /// <summary>The folder of a LoRA adapter to apply unmerged. The default is none.</summary>
    public string? AdapterFolder { get; init; }

    /// <summary>Whether a model without a tokenizer is an error. The default is <see langword="true"/>.</summary>
    public bool RequiresTokenizer { get; init; } = true;

    /// <summary>The prompt template's name. The default is <c>alpaca</c>.</summary>
    public string Template { get; init; } = "alpaca";

    /// <summary>Device, threads, context length.</summary>
    public InferenceOptions Inference { get; init; } = new();
}
