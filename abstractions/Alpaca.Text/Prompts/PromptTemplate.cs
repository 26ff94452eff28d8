using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>How an instruction, or a conversation, is written out for the model.</summary>
/// <remarks>
/// A model answers well only in the template it was trained with. Text is put into the template as it is: braces in it mean nothing, and markers in it
/// (<c>### Response:</c>) are not recognised by the tokenizer.
/// </remarks>
public sealed record PromptTemplate
{
    private const string AlpacaSystem =
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.";

    private static readonly PromptTemplate[] All =
    [
        new PromptTemplate
        {
            Name = "alpaca",
            DefaultSystem = AlpacaSystem,
            SystemStart = "",
            SystemEnd = "\n\n",
            UserStart = "### Instruction:\n",
            UserEnd = "\n\n### Response: ",
            AssistantEnd = "\n\n",
            StopStrings = ["### Instruction:", "### Response:"],
        },
        new PromptTemplate
        {
            Name = "alpaca-inference",
            DefaultSystem = AlpacaSystem,
            SystemStart = "",
            SystemEnd = "\n\n",
            UserStart = "### Instruction:\n\n",
            UserEnd = "\n\n### Response:\n\n",
            AssistantEnd = "\n\n",
            StopStrings = ["### Instruction:", "### Response:"],
        },
        new PromptTemplate
        {
            Name = "llama2",
            DefaultSystem = "You are a helpful assistant. 你是一个乐于助人的助手。",
            OpeningStart = "[INST] ",
            SystemStart = "<<SYS>>\n",
            SystemEnd = "\n<</SYS>>\n\n",
            UserStart = "[INST] ",
            UserEnd = " [/INST]",
            AssistantStart = " ",
            EndsAnswers = true,
            StopStrings = ["[INST]"],
        },
    ];

    private PromptTemplate() { }

    /// <summary>The names of the templates, the default <c>alpaca</c> first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(template => template.Name)];

    /// <summary>
    /// The name: <c>alpaca</c> (Chinese-Alpaca's training prompt), <c>alpaca-inference</c> (that of the original <c>inference_hf.py</c>, with other line breaks) or
    /// <c>llama2</c> (Chinese-Alpaca-2).
    /// </summary>
    public required string Name { get; init; }

    /// <summary>The system text when a conversation brings none.</summary>
    public required string DefaultSystem { get; init; }

    /// <summary>Texts that the model writes when it goes on to speak for the other side; an answer ends before them.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    // A conversation is OpeningStart SystemStart system SystemEnd, then for each turn UserStart user UserEnd [AssistantStart assistant AssistantEnd]. A template with
    // an OpeningStart wraps the system text into the first turn, which therefore has no UserStart.
    private string? OpeningStart { get; init; }

    private string SystemStart { get; init; } = "";

    private string SystemEnd { get; init; } = "";

    private string UserStart { get; init; } = "";

    private string UserEnd { get; init; } = "";

    private string AssistantStart { get; init; } = "";

    private string AssistantEnd { get; init; } = "";

    /// <summary>Whether each earlier answer ends with the end-of-sequence token and a new sequence begins after it.</summary>
    private bool EndsAnswers { get; init; }

    /// <summary>Finds a template.</summary>
    /// <param name="name">One of <see cref="Names"/>, compared without case.</param>
    /// <exception cref="AlpacaUsageException">There is no such template.</exception>
    public static PromptTemplate Get(string name)
        => All.FirstOrDefault(template => template.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new AlpacaUsageException($"There is no prompt template '{name}'; the templates are {string.Join(", ", Names)}.");

    /// <summary>Writes out one instruction, ready for the answer.</summary>
    /// <param name="instruction">What to do.</param>
    /// <param name="input">What to do it with; goes on a line of its own after the instruction unless it is empty.</param>
    public string Render(string instruction, string? input = null)
    {
        ArgumentNullException.ThrowIfNull(instruction);
        return RenderChat([new ChatTurn(string.IsNullOrEmpty(input) ? instruction : $"{instruction}\n{input}", null)], system: null);
    }

    /// <summary>Writes out a conversation, ready for the next answer.</summary>
    /// <param name="history">The turns, oldest first. The last one has no answer yet; an earlier one without is asked together with the next, on lines of its own.</param>
    /// <param name="system">The system text; <see cref="DefaultSystem"/> if there is none.</param>
    /// <remarks>
    /// With <c>llama2</c> and earlier answers the text contains <c>&lt;/s&gt;&lt;s&gt;</c>, which stand for tokens; <see cref="EncodeChat"/> encodes them as such without
    /// taking the same characters in what people wrote for tokens.
    /// </remarks>
    /// <exception cref="AlpacaException">There is no turn, or the last one is answered already.</exception>
    public string RenderChat(IReadOnlyList<ChatTurn> history, string? system)
        => string.Join("</s><s>", RenderSequences(history, system));

    /// <summary>Writes out a conversation and encodes it, beginning of sequence included.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="history">The turns, oldest first; the last one has no answer yet.</param>
    /// <param name="system">The system text; <see cref="DefaultSystem"/> if there is none.</param>
    /// <exception cref="AlpacaException">There is no turn, the last one is answered already, or the tokenizer has no beginning or end of sequence.</exception>
    public IReadOnlyList<int> EncodeChat(ModelTokenizer tokenizer, IReadOnlyList<ChatTurn> history, string? system = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        var sequences = RenderSequences(history, system);
        return [.. sequences.SelectMany((text, index) => tokenizer.Encode(text, addBos: true, addEos: index < sequences.Count - 1))];
    }

    /// <summary>The conversation as the texts of one or more sequences.</summary>
    private List<string> RenderSequences(IReadOnlyList<ChatTurn> history, string? system)
    {
        ArgumentNullException.ThrowIfNull(history);
        if (history.Count == 0 || history[^1].Assistant is not null)
            throw new AlpacaException("The conversation does not end with an open question, so there is nothing to answer; add the user's turn.");

        var sequences = new List<string>();
        var text = new StringBuilder();
        text.Append(OpeningStart).Append(SystemStart).Append(system ?? DefaultSystem).Append(SystemEnd);
        var isWrapped = OpeningStart is not null;
        var isOpen = false; // whether a question before this one is unanswered
        for (var i = 0; i < history.Count; i++)
        {
            text.Append(isOpen ? "\n" : isWrapped ? "" : UserStart).Append(history[i].User);
            isWrapped = false;
            isOpen = history[i].Assistant is null && i < history.Count - 1;
            if (isOpen) continue;
            text.Append(UserEnd);
            if (history[i].Assistant is not { } answer) continue;
            text.Append(AssistantStart).Append(answer).Append(AssistantEnd);
            if (!EndsAnswers) continue;
            sequences.Add(text.ToString());
            text.Clear();
        }
        sequences.Add(text.ToString());
        return sequences;
    }
}
