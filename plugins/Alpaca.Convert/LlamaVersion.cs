using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>The generations of LLaMA, in order.</summary>
internal enum LlamaVersion
{
    /// <summary>LLaMA: 2048 positions.</summary>
    Llama1,

    /// <summary>Llama 2 and Code Llama: 4096 or 16384 positions, grouped-query attention in the large ones.</summary>
    Llama2,

    /// <summary>Llama 3: a tiktoken vocabulary of 128,256, 8192 positions.</summary>
    Llama3,

    /// <summary>Llama 3.1 and 3.3: positions scaled to 131072.</summary>
    Llama31,

    /// <summary>The small models of Llama 3.2: the output layer is the embedding.</summary>
    Llama32,
}

/// <summary>What is fixed about each <see cref="LlamaVersion"/>, and how to tell them apart.</summary>
internal static class LlamaVersions
{
    /// <summary>The special tokens of Llama 3 and later, which follow the pieces.</summary>
    public const int SpecialTokens = 256;

    private const int Llama3Pieces = 128_000;
    private const int CodeLlamaPositions = 16384;

    /// <summary>The version of an option's value; <see langword="null"/> for <c>auto</c>.</summary>
    public static LlamaVersion? Parse(string text) => text switch
    {
        "1" => LlamaVersion.Llama1,
        "2" => LlamaVersion.Llama2,
        "3" => LlamaVersion.Llama3,
        "3.1" => LlamaVersion.Llama31,
        "3.2" => LlamaVersion.Llama32,
        _ => null,
    };

    /// <summary>The option's value: <c>3.1</c>.</summary>
    public static string Number(this LlamaVersion version) => version switch
    {
        LlamaVersion.Llama1 => "1",
        LlamaVersion.Llama2 => "2",
        LlamaVersion.Llama3 => "3",
        LlamaVersion.Llama31 => "3.1",
        _ => "3.2",
    };

    public static string Name(this LlamaVersion version) => version == LlamaVersion.Llama1 ? "LLaMA 1" : $"Llama {version.Number()}";

    /// <summary>The longest sequence trained on (transformers, <c>CONTEXT_LENGTH_FOR_VERSION</c>): long-context bases below Llama 3 are Code Llama's.</summary>
    public static int ContextLength(this LlamaVersion version, double ropeTheta) => version switch
    {
        < LlamaVersion.Llama3 when ropeTheta > 10000 => CodeLlamaPositions,
        LlamaVersion.Llama1 => 2048,
        LlamaVersion.Llama2 => 4096,
        LlamaVersion.Llama3 => 8192,
        _ => 131072,
    };

    /// <summary>How much longer the scaled context is than the 8192 positions trained on.</summary>
    public static double RopeScalingFactor(this LlamaVersion version) => version == LlamaVersion.Llama32 ? 32 : 8;

    /// <summary>The id of <c>&lt;|begin_of_text|&gt;</c>, the first special token of Llama 3.</summary>
    /// <param name="vocabularySize">Rows of the embedding.</param>
    public static int BeginOfText(int vocabularySize) => vocabularySize >= Llama3Pieces + SpecialTokens ? Llama3Pieces : vocabularySize - SpecialTokens;

    /// <summary>Tells the version from the shapes and the parameters.</summary>
    /// <param name="config">What they say.</param>
    /// <param name="tokenizer">The tokenizer beside the weights, if any.</param>
    public static LlamaVersion Detect(LlamaConfig config, TokenizerModel? tokenizer)
    {
        if (config.RopeScaling is not null)
        {
            return config.TieWordEmbeddings ? LlamaVersion.Llama32 : LlamaVersion.Llama31;
        }

        if (MetaLayout.IsLlama3(config) || tokenizer is TiktokenTokenizer)
        {
            return LlamaVersion.Llama3;
        }

        // LLaMA 1 has 1e-6 but for its largest model, Llama 2 has 1e-5.
        var is65B = config is { HiddenSize: 8192, NumHiddenLayers: 80 };
        return !IsGrouped(config) && (config.RmsNormEps < 5e-6 || is65B) ? LlamaVersion.Llama1 : LlamaVersion.Llama2;
    }

    /// <summary>What speaks against a version; empty when nothing does.</summary>
    public static IEnumerable<string> FindContradictions(LlamaVersion version, LlamaConfig config, TokenizerModel? tokenizer)
    {
        var name = version.Name();
        if (version == LlamaVersion.Llama1 && IsGrouped(config))
        {
            yield return $"{name} has no grouped-query attention, the model has {config.NumKeyValueHeads} key heads for {config.NumAttentionHeads} query heads";
        }

        if (version < LlamaVersion.Llama3 && config.VocabSize >= Llama3Pieces + SpecialTokens)
        {
            yield return $"{name} has no vocabulary as large as the {config.VocabSize} rows of the embedding, which is Llama 3's";
        }

        if (version >= LlamaVersion.Llama3 && config.VocabSize <= SpecialTokens)
        {
            yield return $"{name} has {SpecialTokens} special tokens alone, the embedding has {config.VocabSize} rows";
        }

        if (version < LlamaVersion.Llama31 && config.RopeScaling is not null)
        {
            yield return $"{name} has no scaled positions (use_scaled_rope), this model has";
        }

        if (version >= LlamaVersion.Llama31 && config.RopeScaling is null)
        {
            yield return $"{name} has scaled positions (use_scaled_rope), this model has none";
        }

        if (version == LlamaVersion.Llama32 && !config.TieWordEmbeddings)
        {
            yield return $"{name} has the embedding as its output layer, the model's output.weight is another";
        }

        if (version < LlamaVersion.Llama3 && tokenizer is TiktokenTokenizer)
        {
            yield return $"{name} has a SentencePiece tokenizer, {tokenizer.Path} is a tiktoken file";
        }

        if (version >= LlamaVersion.Llama3 && tokenizer is SentencePieceTokenizer)
        {
            yield return $"{name} has a tiktoken tokenizer, {tokenizer.Path} is a SentencePiece model";
        }
    }

    private static bool IsGrouped(LlamaConfig config) => config.NumKeyValueHeads != config.NumAttentionHeads;
}
