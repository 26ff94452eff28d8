using System.Runtime.CompilerServices;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Evaluation.Tests;

/// <summary>A backend whose models answer from a list, in the order in which they are asked.</summary>
/// <param name="name">Its name.</param>
/// <param name="answers">By the prompt's last words, what is answered; a text without <c>&lt;/s&gt;</c> at its end goes on until the tokens are used up.</param>
internal sealed class ScriptedBackend(string name, IReadOnlyDictionary<string, string> answers) : IInferenceBackend
{
    public string Name => name;

    public List<InferenceOptions> Loaded { get; } = [];

    public bool CanLoad(string modelFolder) => File.Exists(Path.Combine(modelFolder, "config.json"));

    public Task<ITextGenerator> LoadAsync(string modelFolder, InferenceOptions options, CancellationToken cancellationToken = default)
    {
        Loaded.Add(options);
        return Task.FromResult<ITextGenerator>(new Generator(ModelTokenizer.Load(modelFolder), answers));
    }

    private sealed class Generator(ModelTokenizer tokenizer, IReadOnlyDictionary<string, string> answers) : ITextGenerator
    {
        public int VocabularySize => tokenizer.VocabularySize;

        public int ContextLength => 256;

        public async IAsyncEnumerable<GeneratedToken> GenerateAsync(
            IReadOnlyList<int> promptIds, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            options.Temperature.Should().Be(0);
            options.StopIds.Should().Contain(tokenizer.EosId!.Value);
            var prompt = tokenizer.Decode(promptIds);
            var answer = answers.Single(pair => prompt.Contains(pair.Key, StringComparison.Ordinal)).Value;
            var ends = answer.EndsWith("</s>", StringComparison.Ordinal);
            var ids = tokenizer.Encode(ends ? answer[..^4] : answer);
            var tokens = ends ? ids.Take(options.MaxNewTokens) : Enumerable.Range(0, options.MaxNewTokens).Select(i => ids[i % ids.Count]);
            foreach (var id in tokens) yield return new GeneratedToken(id, -1);
        }

        public Task<float[]> ScoreAsync(IReadOnlyList<int> ids, string? adapter = null, CancellationToken cancellationToken = default)
            => Task.FromResult(ids.Skip(1).Select(_ => -1f).ToArray());

        public void Dispose() { }
    }
}
