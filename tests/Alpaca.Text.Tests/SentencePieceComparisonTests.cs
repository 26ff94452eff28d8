namespace Alpaca.Text.Tests;

/// <summary>Random texts and ids against the SentencePiece library, where it is installed: the same ids, and the same text of them.</summary>
public sealed class SentencePieceComparisonTests
{
    private const int BatchSize = 5_000;

    public static TheoryData<string> Fixtures => ["base", "special", "unused", "unigram", "unigram-bytes", "chinese"];

    public static TheoryData<string> Published => [nameof(GoldenModels.Llama), nameof(GoldenModels.Merged), nameof(GoldenModels.Chinese)];

    [SentencePieceTheory]
    [MemberData(nameof(Fixtures))]
    public void Encode_NastyTexts_GivesSentencePieceIds(string model) => Compare(SentencePieceModel.Load(Fixture.Path($"{model}.model")), seed: 1, count: 3_000);

    [SentencePieceTheory(needsGolden: true)]
    [MemberData(nameof(Published))]
    public void Encode_NastyTextsWithPublishedModel_GivesSentencePieceIds(string model) => Compare(GoldenModels.Load(model), seed: 1, count: 3_000);

    [SentencePieceTheory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Fixtures))]
    public void Encode_HundredThousandNastyTexts_GivesSentencePieceIds(string model) => Compare(SentencePieceModel.Load(Fixture.Path($"{model}.model")), seed: 2, count: 100_000);

    [SentencePieceTheory(needsGolden: true)]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Published))]
    public void Encode_HundredThousandNastyTextsWithPublishedModel_GivesSentencePieceIds(string model) => Compare(GoldenModels.Load(model), seed: 2, count: 100_000);

    private static void Compare(SentencePieceModel model, int seed, int count)
    {
        using var folder = new TemporaryFolder();
        model.Save(folder.Combine("tokenizer.model"));
        SentencePieceTokenizer tokenizer = model.Trainer.ModelType == SentencePieceModelType.Bpe ? LlamaTokenizer.Create(model) : UnigramTokenizer.Create(model);
        using var library = new SentencePieceLibrary(folder.Combine("tokenizer.model"));
        var random = new NastyText(seed, [.. model.Pieces.Select(piece => piece.Text)]);
        // A control symbol of one character comes out of SentencePiece's byte-pair encoding, which then misses the character's bytes and gives up on the whole text.
        var misses = tokenizer is LlamaTokenizer && tokenizer.SpecialIdOf("☃") is not null ? "☃" : null;
        for (var done = 0; done < count; done += BatchSize)
        {
            var texts = Enumerable.Range(0, Math.Min(BatchSize, count - done)).Select(_ => random.Next()).Select(text => misses is null ? text : text.Replace(misses, "", StringComparison.Ordinal)).ToList();
            foreach (var (text, answer) in texts.Zip(library.Encode(texts)))
            {
                // FluentAssertions alone would take the longest part of the time.
                if (!tokenizer.Encode(text).SequenceEqual(answer.Ids)) tokenizer.Encode(text).Should().Equal(answer.Ids, "text {0}", Escaped(text));
                if (tokenizer.Decode(answer.Ids) != answer.Text) tokenizer.Decode(answer.Ids).Should().Be(answer.Text, "text {0}", Escaped(text));
            }

            var sequences = Enumerable.Range(0, texts.Count / 2).Select(_ => random.NextIds(tokenizer.VocabularySize)).ToList();
            foreach (var answer in library.Decode(sequences))
            {
                if (tokenizer.Decode(answer.Ids) != answer.Text) tokenizer.Decode(answer.Ids).Should().Be(answer.Text, "ids {0}", string.Join(' ', answer.Ids));
            }
        }
    }

    private static string Escaped(string text) => string.Join(' ', text.Select(character => $"{(int)character:X4}"));

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class SentencePieceTheoryAttribute : TheoryAttribute
    {
        public SentencePieceTheoryAttribute(bool needsGolden = false) => Skip = SentencePieceLibrary.WhyMissing ?? (needsGolden ? Golden.SkipReason : null);
    }
}
