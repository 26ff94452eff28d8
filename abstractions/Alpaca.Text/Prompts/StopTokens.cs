using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>Finds the ids that end an answer.</summary>
public static class StopTokens
{
    /// <summary>The end-of-sequence ids that the tokenizer, the template, <c>generation_config.json</c> and <c>config.json</c> name, together.</summary>
    /// <exception cref="AlpacaException">One of the files is not JSON.</exception>
    public static IReadOnlyList<int> Of(string modelFolder, ModelTokenizer? tokenizer, PromptTemplate template)
    {
        var ids = new SortedSet<int>();
        if (tokenizer?.EosId is { } end) ids.Add(end);
        if (tokenizer is not null && template.FindAnswerEnd(tokenizer) is { } answerEnd) ids.Add(answerEnd);
        foreach (var name in (string[])["generation_config.json", "config.json"]) ids.UnionWith(Read(Path.Combine(modelFolder, name)));
        return [.. ids];
    }

    private static IReadOnlyList<int> Read(string file)
    {
        if (!File.Exists(file)) return [];
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("eos_token_id", out var value)) return [];
            return value.ValueKind switch
            {
                JsonValueKind.Number => [value.GetInt32()],
                JsonValueKind.Array => [.. value.EnumerateArray().Select(v => v.GetInt32())],
                _ => [],
            };
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            throw new AlpacaException($"{file} is damaged ({e.Message}); copy it again from where the model came.", e);
        }
    }
}
