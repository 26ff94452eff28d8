using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Reads the texts to measure on.</summary>
internal static class BenchTexts
{
    private static readonly string[] Properties = ["text", "instruction", "input", "output"];

    /// <summary>The instruction data that comes with the executable.</summary>
    public static IReadOnlyList<string> SampleFiles =>
        [.. Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "samples", "instructions"), "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>Reads a file.</summary>
    /// <param name="file">JSON, of which every "text", "instruction", "input" and "output" is a text, at any depth; or plain text, of which every line is one.</param>
    /// <exception cref="AlpacaException">It cannot be read or holds no text.</exception>
    public static IReadOnlyList<string> Read(string file)
    {
        string content;
        try
        {
            content = File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{file} cannot be read: {e.Message}", e);
        }

        List<string> texts = [];
        if (content.AsSpan().TrimStart() is ['{' or '[', ..]) ReadJson(file, content, texts);
        else texts.AddRange(content.Split('\n').Select(line => line.TrimEnd('\r')).Where(line => line.Length > 0));
        return texts.Count > 0 ? texts : throw new AlpacaException($"{file} holds no text: no line, or no string named {string.Join(", ", Properties)}; name another --data-file.");
    }

    private static void ReadJson(string file, string content, List<string> texts)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            Collect(document.RootElement, texts);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new AlpacaException($"{file} begins like JSON but is not: {e.Message}", e);
        }
    }

    private static void Collect(JsonElement element, List<string> texts)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray()) Collect(item, texts);
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in element.EnumerateObject())
            {
                if (property.Value.ValueKind == JsonValueKind.String && Properties.Contains(property.Name)) texts.Add(property.Value.GetString()!);
                else Collect(property.Value, texts);
            }
        }
    }
}
