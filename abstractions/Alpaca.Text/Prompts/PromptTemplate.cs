using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>How an instruction, or a conversation, is written out for the model.</summary>
/// <remarks>
/// <para>A model answers well only in the template it was trained with, to the id. Training, chat and server therefore encode by the same rules: each prompt and each answer is
/// encoded by itself, and each answer ends with <see cref="AnswerEnd"/>, those of earlier turns too.</para>
/// <para>Text is put into the template as it is: braces in it mean nothing, and markers in it (<c>### Response:</c>, <c>&lt;|eot_id|&gt;</c>) never become special tokens.</para>
/// </remarks>
public sealed record PromptTemplate
{
    private const string AlpacaSystem =
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.";

    private const string BilingualSystem = "You are a helpful assistant. 你是一个乐于助人的助手。";

    private static readonly PromptTemplate[] All =
    [
        new PromptTemplate
        {
            Name = "alpaca",
            DefaultSystem = AlpacaSystem,
            SystemEnd = "\n\n",
            UserStart = "### Instruction:\n",
            NextUserStart = "\n\n### Instruction:\n",
            UserEnd = "\n\n### Response: ",
            StopStrings = ["### Instruction:", "### Response:"],
        },
        new PromptTemplate
        {
            Name = "alpaca-inference",
            DefaultSystem = AlpacaSystem,
            SystemEnd = "\n\n",
            UserStart = "### Instruction:\n\n",
            NextUserStart = "\n\n### Instruction:\n\n",
            UserEnd = "\n\n### Response:\n\n",
            StopStrings = ["### Instruction:", "### Response:"],
        },
        new PromptTemplate
        {
            Name = "llama2",
            DefaultSystem = BilingualSystem,
            Opening = "[INST] ",
            SystemStart = "<<SYS>>\n",
            SystemEnd = "\n<</SYS>>\n\n",
            NextUserStart = PromptSegment.BeginOfSequence + "[INST] ",
            UserEnd = " [/INST]",
            AnswerStart = " ",
            StopStrings = ["[INST]"],
        },
        new PromptTemplate
        {
            Name = "llama3",
            DefaultSystem = BilingualSystem,
            SystemStart = "<|start_header_id|>system<|end_header_id|>\n\n",
            SystemEnd = "<|eot_id|>",
            UserStart = "<|start_header_id|>user<|end_header_id|>\n\n",
            NextUserStart = "<|start_header_id|>user<|end_header_id|>\n\n",
            UserEnd = "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            AnswerEnd = "<|eot_id|>",
        },
    ];

    private PromptTemplate() { }

    /// <summary>The names of the templates, the default <c>alpaca</c> first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(template => template.Name)];

    /// <summary>
    /// The name: <c>alpaca</c> (Chinese-Alpaca's training prompt), <c>alpaca-inference</c> (that of the original <c>inference_hf.py</c>, with other line breaks),
    /// <c>llama2</c> (Llama 2 and Chinese-Alpaca-2) or <c>llama3</c> (Llama 3 Instruct).
    /// </summary>
    public required string Name { get; init; }

    /// <summary>The system text when a conversation brings none. An empty system text leaves the system part out.</summary>
    public required string DefaultSystem { get; init; }

    /// <summary>Texts that the model writes when it goes on to speak for the other side; an answer ends before them.</summary>
    public IReadOnlyList<string> StopStrings { get; private init; } = [];

    /// <summary>The token that ends each answer: <c>&lt;/s&gt;</c> stands for the tokenizer's end of sequence, whatever its text.</summary>
    public string AnswerEnd { get; private init; } = PromptSegment.EndOfSequence;

    // A conversation is Opening [SystemStart system SystemEnd] UserStart user UserEnd [AnswerStart answer AnswerEnd {NextUserStart user UserEnd ...}]. AnswerStart is seen in the
    // written form alone: the encoded answer has a space mark of its own. Texts of special tokens in these strings stand for those tokens.
    private string Opening { get; init; } = "";

    private string SystemStart { get; init; } = "";

    private string SystemEnd { get; init; } = "";

    private string UserStart { get; init; } = "";

    private string NextUserStart { get; init; } = "";

    private string UserEnd { get; init; } = "";

    private string AnswerStart { get; init; } = "";

    /// <summary>Finds a template.</summary>
    /// <param name="name">One of <see cref="Names"/>, compared without case.</param>
    /// <exception cref="AlpacaUsageException">There is no such template.</exception>
    public static PromptTemplate Get(string name)
        => All.FirstOrDefault(template => template.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new AlpacaUsageException($"There is no prompt template '{name}'; the templates are {string.Join(", ", Names)}.");

    /// <summary>Writes out one instruction, ready for the answer.</summary>
    /// <param name="instruction">What to do.</param>
    /// <param name="input">What to do it with; goes on a line of its own after the instruction unless it is empty.</param>
    public string Render(string instruction, string? input = null) => RenderChat([ChatTurn.Ask(instruction, input)], system: null);

    /// <summary>Writes out a conversation for people to read, ready for the next answer.</summary>
    /// <param name="history">The turns, oldest first. The last one has no answer yet; an earlier one without is asked together with the next, on lines of its own.</param>
    /// <param name="system">The system text; <see cref="DefaultSystem"/> if there is none.</param>
    /// <remarks>Special tokens appear by their texts, the beginning of the first sequence left out. <see cref="EncodeChat"/> gives the ids.</remarks>
    /// <exception cref="AlpacaException">There is no turn, or the last one is answered already.</exception>
    public string RenderChat(IReadOnlyList<ChatTurn> history, string? system)
    {
        ThrowUnlessOpen(history);
        return string.Concat(Segments(history, system).Select(segment => segment.Kind == PromptSegmentKind.Answer ? AnswerStart + segment.Text : segment.Text));
    }

    /// <summary>The template as the Jinja text that other programs read from <c>chat_template</c> in <c>tokenizer_config.json</c>.</summary>
    /// <remarks>
    /// It takes <c>messages</c> (an optional <c>system</c> message, then <c>user</c> and <c>assistant</c>), <c>bos_token</c>, <c>eos_token</c> and <c>add_generation_prompt</c>, and
    /// writes what <see cref="RenderChat"/> writes, with the beginning of sequence before it.
    /// </remarks>
    public string ToJinja()
    {
        Func<string[], string> say = JinjaExpression.Say;
        Func<string, string> text = JinjaExpression.Of;
        return string.Concat(
            "{%- if messages[0]['role'] == 'system' -%}{%- set system = messages[0]['content'] -%}{%- set turns = messages[1:] -%}",
            $"{{%- else -%}}{{%- set system = {text(DefaultSystem)} -%}}{{%- set turns = messages -%}}{{%- endif -%}}",
            say(["bos_token", text(Opening)]),
            "{%- if system -%}", say([text(SystemStart), "system", text(SystemEnd)]), "{%- endif -%}",
            say([text(UserStart)]),
            "{%- for message in turns -%}{%- if message['role'] == 'user' -%}",
            "{%- if not loop.first -%}{%- if turns[loop.index0 - 1]['role'] == 'user' -%}", say(["'\\n'"]), "{%- else -%}", say([text(NextUserStart)]), "{%- endif -%}{%- endif -%}",
            say(["message['content']"]),
            "{%- if not loop.last and turns[loop.index]['role'] != 'user' or loop.last and add_generation_prompt -%}", say([text(UserEnd)]), "{%- endif -%}",
            "{%- else -%}", say([text(AnswerStart), "message['content']", text(AnswerEnd)]), "{%- endif -%}{%- endfor -%}");
    }

    /// <summary>Encodes a conversation, beginning of sequence included, ready for the next answer.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="history">The turns, oldest first; the last one has no answer yet.</param>
    /// <param name="system">The system text; <see cref="DefaultSystem"/> if there is none.</param>
    /// <exception cref="AlpacaException">There is no turn, the last one is answered already, or the tokenizer lacks a token of the template.</exception>
    public IReadOnlyList<int> EncodeChat(ModelTokenizer tokenizer, IReadOnlyList<ChatTurn> history, string? system = null)
    {
        ThrowUnlessOpen(history);
        return [.. Encode(tokenizer, history, system).SelectMany(part => part.Ids)];
    }

    /// <summary>Encodes a conversation in parts, prompts and answers by turns.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="turns">The turns, oldest first.</param>
    /// <param name="system">The system text; <see cref="DefaultSystem"/> if there is none.</param>
    /// <returns>The parts in order; what the model writes itself, the end of each answer included, is marked.</returns>
    /// <exception cref="AlpacaException">The tokenizer lacks a token of the template.</exception>
    public IEnumerable<EncodedPart> Encode(ModelTokenizer tokenizer, IReadOnlyList<ChatTurn> turns, string? system = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(turns);
        return Segments(turns, system).Prepend(new PromptSegment(PromptSegmentKind.Token, PromptSegment.BeginOfSequence)).Select(segment => segment.Kind switch
        {
            PromptSegmentKind.Text => new EncodedPart(tokenizer.Encode(segment.Text), IsAnswer: false),
            PromptSegmentKind.Answer => new EncodedPart(tokenizer.Encode(segment.Text), IsAnswer: true),
            _ => new EncodedPart([IdOf(segment.Text, tokenizer)], IsAnswer: segment.Kind == PromptSegmentKind.AnswerEnd),
        });
    }

    /// <summary>The id of <see cref="AnswerEnd"/>, or <see langword="null"/> if the tokenizer has no such token.</summary>
    public int? FindAnswerEnd(ModelTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return Find(AnswerEnd, tokenizer);
    }

    private static int? Find(string token, ModelTokenizer tokenizer) => token switch
    {
        PromptSegment.BeginOfSequence => tokenizer.BosId,
        PromptSegment.EndOfSequence => tokenizer.EosId,
        _ => tokenizer.SpecialIdOf(token),
    };

    private int IdOf(string token, ModelTokenizer tokenizer) => Find(token, tokenizer) ?? throw new AlpacaException(
        $"The prompt template '{Name}' needs the token {token}, which {tokenizer.Name} does not have; choose the template that the model was trained with ({string.Join(", ", Names)}).");

    private static void ThrowUnlessOpen(IReadOnlyList<ChatTurn> history)
    {
        ArgumentNullException.ThrowIfNull(history);
        if (history.Count == 0 || history[^1].Assistant is not null)
            throw new AlpacaException("The conversation does not end with an open question, so there is nothing to answer; add the user's turn.");
    }

    private List<PromptSegment> Segments(IReadOnlyList<ChatTurn> turns, string? system)
    {
        var writer = new PromptWriter();
        writer.Template(Opening);
        if ((system ?? DefaultSystem) is { Length: > 0 } text)
        {
            writer.Template(SystemStart);
            writer.Text(text);
            writer.Template(SystemEnd);
        }
        writer.Template(UserStart);
        var isOpen = false; // whether the question before this one is unanswered
        for (var i = 0; i < turns.Count; i++)
        {
            if (isOpen) writer.Text("\n");
            else if (i > 0) writer.Template(NextUserStart);
            writer.Text(turns[i].User);
            isOpen = turns[i].Assistant is null && i < turns.Count - 1;
            if (isOpen) continue;
            writer.Template(UserEnd);
            if (turns[i].Assistant is { } answer) writer.Answer(answer, AnswerEnd);
        }
        return writer.End();
    }
}
