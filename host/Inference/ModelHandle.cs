using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>A loaded model with what turns text into ids and back.</summary>
/// <param name="folder">The model's folder.</param>
/// <param name="backend">The name of the backend that runs it.</param>
/// <param name="generator">The model; disposed with the handle.</param>
/// <param name="tokenizer">The tokenizer, or <see langword="null"/> for a model that is only fed ids.</param>
/// <param name="template">How an instruction becomes a prompt.</param>
/// <param name="stopIds">The ids that end an answer.</param>
public sealed class ModelHandle(string folder, string backend, ITextGenerator generator, ModelTokenizer? tokenizer, PromptTemplate template, IReadOnlyList<int> stopIds) : IDisposable
{
    /// <summary>The model's folder.</summary>
    public string Folder { get; } = folder;

    /// <summary>The name of the backend that runs it.</summary>
    public string Backend { get; } = backend;

    /// <summary>The model.</summary>
    public ITextGenerator Generator { get; } = generator;

    /// <summary>How an instruction becomes a prompt.</summary>
    public PromptTemplate Template { get; } = template;

    /// <summary>The ids that end an answer.</summary>
    public IReadOnlyList<int> StopIds { get; } = stopIds;

    /// <summary>Whether there is a <see cref="Tokenizer"/>.</summary>
    public bool HasTokenizer => tokenizer is not null;

    /// <summary>The tokenizer.</summary>
    /// <exception cref="AlpacaException">The model was loaded without one.</exception>
    public ModelTokenizer Tokenizer => tokenizer ?? throw new AlpacaException($"{Folder} has no tokenizer.model or tokenizer.json; name a tokenizer's folder with --tokenizer.");

    /// <summary>A prompt's ids, beginning-of-sequence included.</summary>
    public IReadOnlyList<int> Encode(string prompt) => Tokenizer.Encode(prompt, addBos: true);

    /// <summary>The ids of a single question in the model's template.</summary>
    public IReadOnlyList<int> EncodeQuestion(string question) => Template.EncodeChat(Tokenizer, [ChatTurn.Ask(question)]);

    /// <summary>The adapter that is applied to whatever does not name another, or <see langword="null"/>.</summary>
    public string? Adapter { get; private init; }

    /// <summary>The same loaded model with one of its adapters.</summary>
    /// <param name="name">The adapter's name.</param>
    /// <param name="own">Its own tokenizer; <see langword="null"/> for the model's.</param>
    public ModelHandle WithAdapter(string name, ModelTokenizer? own = null) => new(Folder, Backend, Generator, own ?? tokenizer, Template, StopIds) { Adapter = name };

    /// <inheritdoc />
    public void Dispose() => Generator.Dispose();
}
