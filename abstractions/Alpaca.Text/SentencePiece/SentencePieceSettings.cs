namespace Alpaca.Text;

/// <summary>What a SentencePiece model's <c>trainer_spec</c> says about encoding and decoding. Defaults are those of the wire format.</summary>
public sealed record SentencePieceTrainerSettings
{
    /// <summary>The segmentation algorithm.</summary>
    public SentencePieceModelType ModelType { get; init; } = SentencePieceModelType.Unigram;

    /// <summary>Whether characters without a piece become byte pieces.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>Whether the space mark ends words instead of beginning them.</summary>
    public bool TreatWhitespaceAsSuffix { get; init; }

    /// <summary>What the unknown piece decodes to.</summary>
    public string UnkSurface { get; init; } = " \u2047 ";

    /// <summary>The beginning-of-sequence piece.</summary>
    public string BosPiece { get; init; } = "<s>";

    /// <summary>The end-of-sequence piece.</summary>
    public string EosPiece { get; init; } = "</s>";

    /// <summary>The padding piece; often not in the vocabulary.</summary>
    public string PadPiece { get; init; } = "<pad>";
}

/// <summary>A SentencePiece model's <c>normalizer_spec</c>. Defaults are those of the wire format.</summary>
public sealed record SentencePieceNormalizerSettings
{
    /// <summary>The rule's name: <c>identity</c> for LLaMA.</summary>
    public string Name { get; init; } = "";

    /// <summary>The compiled character map (<c>precompiled_charsmap</c>): a double-array trie and the replacements; empty if nothing is mapped.</summary>
    public ReadOnlyMemory<byte> CharsMap { get; init; }

    /// <summary>Length in bytes of <see cref="CharsMap"/>.</summary>
    public int CharsMapLength => CharsMap.Length;

    /// <summary>Whether a space is put before the text.</summary>
    public bool AddDummyPrefix { get; init; } = true;

    /// <summary>Whether runs of spaces are folded.</summary>
    public bool RemoveExtraWhitespaces { get; init; } = true;

    /// <summary>Whether spaces become <c>▁</c>.</summary>
    public bool EscapeWhitespaces { get; init; } = true;

    /// <summary>Whether all settings are equal, the character map byte by byte.</summary>
    public bool Equals(SentencePieceNormalizerSettings? other)
        => other is not null && (Name, AddDummyPrefix, RemoveExtraWhitespaces, EscapeWhitespaces) == (other.Name, other.AddDummyPrefix, other.RemoveExtraWhitespaces, other.EscapeWhitespaces)
            && CharsMap.Span.SequenceEqual(other.CharsMap.Span);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Name, AddDummyPrefix, RemoveExtraWhitespaces, EscapeWhitespaces, CharsMapLength);
}
