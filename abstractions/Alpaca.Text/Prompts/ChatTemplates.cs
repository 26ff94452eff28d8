using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>Prompt templates as the Jinja texts that other programs read from <c>chat_template</c> in <c>tokenizer_config.json</c>.</summary>
/// <remarks>
/// They take <c>messages</c> (an optional <c>system</c> message, then <c>user</c> and <c>assistant</c>), <c>bos_token</c>, <c>eos_token</c> and <c>add_generation_prompt</c>, and begin with the
/// beginning of sequence. Those of <see cref="PromptTemplate.Names"/> write what <see cref="PromptTemplate.RenderChat"/> writes.
/// </remarks>
public static class ChatTemplates
{
    private const string AlpacaSystem = "Below is an instruction that describes a task. Write a response that appropriately completes the request.";

    private const string Llama2System = "You are a helpful assistant. 你是一个乐于助人的助手。";

    // What comes before the first turn, and the messages without the system's.
    private const string SplitSystem =
        "{%- if messages[0]['role'] == 'system' -%}{%- set system = messages[0]['content'] -%}{%- set turns = messages[1:] -%}"
        + "{%- else -%}{%- set system = 'SYSTEM' -%}{%- set turns = messages -%}{%- endif -%}";

    private static readonly Dictionary<string, string> ByName = new(StringComparer.OrdinalIgnoreCase)
    {
        ["alpaca"] = Alpaca(@"### Instruction:\n", @"\n\n### Response: "),
        ["alpaca-inference"] = Alpaca(@"### Instruction:\n\n", @"\n\n### Response:\n\n"),
        // A question that was never answered is asked together with the next.
        ["llama2"] =
            SplitSystem.Replace("SYSTEM", Llama2System, StringComparison.Ordinal)
            + @"{{- bos_token + '[INST] <<SYS>>\n' + system + '\n<</SYS>>\n\n' -}}"
            + "{%- for message in turns -%}{%- if message['role'] == 'user' -%}"
            + @"{%- if not loop.first -%}{{- '\n' if turns[loop.index0 - 1]['role'] == 'user' else bos_token + '[INST] ' -}}{%- endif -%}{{- message['content'] -}}"
            + "{%- if loop.last or turns[loop.index]['role'] != 'user' -%}{{- ' [/INST]' -}}{%- endif -%}"
            + "{%- else -%}{{- ' ' + message['content'] + eos_token -}}{%- endif -%}{%- endfor -%}",
        ["llama3"] =
            "{{- bos_token -}}{%- for message in messages -%}"
            + @"{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' -}}{%- endfor -%}"
            + @"{%- if add_generation_prompt -%}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}{%- endif -%}",
    };

    /// <summary>The names: those of <see cref="PromptTemplate.Names"/>, and <c>llama3</c>.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ByName.Keys];

    /// <summary>Finds a template.</summary>
    /// <param name="name">One of <see cref="Names"/>, compared without case.</param>
    /// <exception cref="AlpacaUsageException">There is no such template.</exception>
    public static string Get(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return ByName.TryGetValue(name, out var template)
            ? template
            : throw new AlpacaUsageException($"There is no chat template '{name}'; the templates are {string.Join(", ", Names)}.");
    }

    private static string Alpaca(string userStart, string userEnd) =>
        SplitSystem.Replace("SYSTEM", AlpacaSystem, StringComparison.Ordinal)
        + @"{{- bos_token + system + '\n\n' -}}"
        + "{%- for message in turns -%}{%- if message['role'] == 'user' -%}"
        + $@"{{{{- '\n' if not loop.first and turns[loop.index0 - 1]['role'] == 'user' else '{userStart}' -}}}}{{{{- message['content'] -}}}}"
        + $"{{%- if not loop.last and turns[loop.index]['role'] != 'user' or loop.last and add_generation_prompt -%}}{{{{- '{userEnd}' -}}}}{{%- endif -%}}"
        + @"{%- else -%}{{- message['content'] + '\n\n' -}}{%- endif -%}{%- endfor -%}";
}
