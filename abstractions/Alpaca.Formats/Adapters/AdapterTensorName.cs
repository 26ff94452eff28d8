namespace Alpaca.Formats;

/// <summary>What a tensor of an adapter file is.</summary>
internal enum AdapterTensorKind
{
    /// <summary>LoRA's A of a module.</summary>
    A,

    /// <summary>LoRA's B of a module.</summary>
    B,

    /// <summary>A tensor that replaces the base's.</summary>
    SavedModule,

    /// <summary>A copy of the base's own values, or rotary frequencies.</summary>
    Ignored,

    /// <summary>Part of an adapter that is not plain LoRA.</summary>
    Unsupported,
}

/// <summary>Understands the tensor names of all PEFT versions.</summary>
internal static class AdapterTensorName
{
    private static readonly string[] Prefixes = ["base_model.model.", "base_model."];

    /// <summary>Tells what a tensor is.</summary>
    /// <returns>The kind, and the base's module (for A and B) or tensor (for a saved module).</returns>
    public static (AdapterTensorKind Kind, string Name) Parse(string name)
    {
        var rest = name;
        if (Array.Find(Prefixes, p => name.StartsWith(p, StringComparison.Ordinal)) is { } prefix)
        {
            rest = name[prefix.Length..];
        }

        if (LlamaTensorNames.IsRotaryFrequencies(rest) || rest.Contains(".original_module.", StringComparison.Ordinal) || rest.Contains(".base_layer.", StringComparison.Ordinal))
        {
            return (AdapterTensorKind.Ignored, rest);
        }

        if (TryCut(rest, ".modules_to_save.", out var module))
        {
            return (AdapterTensorKind.SavedModule, module + ".weight");
        }

        if (TryCut(rest, ".lora_A.", out module))
        {
            return (AdapterTensorKind.A, module);
        }

        if (TryCut(rest, ".lora_B.", out module))
        {
            return (AdapterTensorKind.B, module);
        }

        // lora_magnitude_vector (DoRA), lora_embedding_A, lora_B.bias, ia3_l, oft_…, token_adapter: whatever it is, leaving it out would give another model.
        var isPlain = rest.EndsWith(".weight", StringComparison.Ordinal) && !rest.Contains("lora_", StringComparison.Ordinal) && !rest.Contains("adapter", StringComparison.Ordinal);
        return (isPlain ? AdapterTensorKind.SavedModule : AdapterTensorKind.Unsupported, rest);
    }

    // "m.lora_A.weight" or "m.lora_A.NAME.weight" gives "m".
    private static bool TryCut(string name, string marker, out string module)
    {
        var at = name.IndexOf(marker, StringComparison.Ordinal);
        module = at < 0 ? "" : name[..at];
        return at >= 0 && (name.AsSpan(at + marker.Length) is "weight" || name.EndsWith(".weight", StringComparison.Ordinal));
    }
}
