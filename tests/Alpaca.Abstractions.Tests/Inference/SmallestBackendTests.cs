namespace Alpaca.Abstractions.Tests;

/// <summary>A backend of a third party that was built when there was less to implement, or that implements no more than it must.</summary>
public sealed class SmallestBackendTests
{
    [Fact]
    public void CanLoad_NotImplemented_SaysThatItCannotTell() => ((IInferenceBackend)new Smallest()).CanLoad("anywhere").Should().BeFalse();

    [Fact]
    public void Adapters_NotImplemented_AreNone() => ((ITextGenerator)new Smallest()).Adapters.Should().BeEmpty();

    [Fact]
    public async Task ScoreAndEmbed_NotImplemented_NameBackendsThatDo()
    {
        ITextGenerator generator = new Smallest();

        (await generator.Awaiting(g => g.ScoreAsync([1, 2])).Should().ThrowAsync<AlpacaException>()).WithMessage("*does not score texts; use Torch or Onnx.");
        (await generator.Awaiting(g => g.EmbedAsync([1])).Should().ThrowAsync<AlpacaException>()).WithMessage("*makes no embeddings; use Torch or Onnx.");
    }

    private sealed class Smallest : IInferenceBackend, ITextGenerator
    {
        public string Name => "Smallest";

        public int VocabularySize => 1;

        public int ContextLength => 1;

        public Task<ITextGenerator> LoadAsync(string modelFolder, InferenceOptions options, CancellationToken cancellationToken = default) => Task.FromResult<ITextGenerator>(this);

        public IAsyncEnumerable<GeneratedToken> GenerateAsync(IReadOnlyList<int> promptIds, GenerationOptions options, CancellationToken cancellationToken = default) => AsyncEnumerable.Empty<GeneratedToken>();

        public void Dispose() { }
    }
}
