using System.Runtime.CompilerServices;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host.Tests;

/// <summary>A model that says what the test wants it to, in the tokens of the sample tokenizer, and remembers what it was asked.</summary>
internal sealed class ScriptedGenerator(params string[] answers) : ITextGenerator
{
    public static ModelTokenizer Tokenizer { get; } = ModelTokenizer.Load(Path.Combine(Golden.RepositoryRoot, "samples", "llama-tiny"));

    private int _asked;

    public List<string> Prompts { get; } = [];

    public List<IReadOnlyList<int>> PromptIds { get; } = [];

    public List<GenerationOptions> Options { get; } = [];

    public int VocabularySize { get; init; } = Tokenizer.VocabularySize;

    public int ContextLength { get; init; } = 2048;

    /// <summary>Called before each token is given out.</summary>
    public Action<int>? BeforeToken { get; init; }

    /// <summary>What it says of each token.</summary>
    public float LogProbability { get; init; }

    public bool Disposed { get; private set; }

    /// <summary>This model behind a handle, with the tokenizer of the sample.</summary>
    public ModelHandle ToHandle(string template = "alpaca", bool withTokenizer = true)
        => new("models/scripted", "Scripted", this, withTokenizer ? Tokenizer : null, PromptTemplate.Get(template), [Tokenizer.EosId!.Value]);

    public async IAsyncEnumerable<GeneratedToken> GenerateAsync(
        IReadOnlyList<int> promptIds, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Prompts.Add(Tokenizer.Decode(promptIds));
        PromptIds.Add([.. promptIds]);
        Options.Add(options);
        var ids = Tokenizer.Encode(answers[Math.Min(_asked++, answers.Length - 1)], addEos: true);
        for (var i = 0; i < ids.Count && i < options.MaxNewTokens && promptIds.Count + i < ContextLength; i++)
        {
            await Task.Yield();
            BeforeToken?.Invoke(i);
            cancellationToken.ThrowIfCancellationRequested();
            if (options.StopIds.Contains(ids[i])) yield break;
            yield return new GeneratedToken(ids[i], LogProbability) { Logits = options.ReturnLogits ? new float[] { i, ids[i] } : default };
        }
    }

    public void Dispose() => Disposed = true;
}
