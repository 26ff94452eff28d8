using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A prompt of <c>generate</c>: as it was given, as the model sees it, and as ids.</summary>
internal sealed record GenerationPrompt(string Given, string Text, IReadOnlyList<int> Ids)
{
    public static GenerationPrompt FromText(string text, ModelHandle model) => new(text, text, model.Encode(text));

    public static GenerationPrompt FromQuestion(string question, ModelHandle model) => new(question, model.Template.Render(question), model.EncodeQuestion(question));

    /// <exception cref="AlpacaException">An id is outside the vocabulary.</exception>
    public static GenerationPrompt FromIds(IReadOnlyList<int> ids, ModelHandle model)
    {
        var rows = model.Generator.VocabularySize;
        if (ids.FirstOrDefault(id => id >= rows, -1) is >= 0 and var outside)
            throw new AlpacaException($"--prompt-ids holds {outside}, but the vocabulary of the model in {model.Folder} ends at {rows - 1}.");
        var text = model.HasTokenizer ? model.Tokenizer.Decode(ids) : "";
        return new GenerationPrompt(text, text, ids);
    }

    /// <param name="model">The model that is to continue it.</param>
    /// <param name="name">What the message calls it.</param>
    /// <exception cref="AlpacaException">It leaves no room for an answer.</exception>
    public void Check(ModelHandle model, string name)
    {
        if (Ids.Count >= model.Generator.ContextLength)
            throw new AlpacaException($"{name} has {Ids.Count} tokens, which leaves no room in the model's context of {model.Generator.ContextLength}; shorten it.");
    }
}
