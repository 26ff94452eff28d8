using System.CommandLine;
using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary><c>alpaca tokenize</c>: texts on standard input to ids on standard output, line by line, or back.</summary>
internal static class TokenizeVerb
{
    public static Command Create(CommandContext context)
    {
        var tokenizer = new Option<string>("--tokenizer") { Description = "Folder with tokenizer.model or tokenizer.json, or the file", HelpName = "DIR", Required = true };
        var decode = new Option<bool>("--decode") { Description = "Read JSON arrays of ids and write {\"text\": ...} lines" };
        var json = new Option<bool>("--json") { Description = "Take every line as JSON; without it, a line that is no JSON object is a text as it stands" };
        var command = new Command("tokenize", "Turn JSON lines {\"text\": ...} on standard input into arrays of ids (the text alone, without BOS), or back")
        {
            tokenizer, decode, json,
        };
        command.SetAction((parse, cancellationToken) => RunAsync(
            context.Console, ModelTokenizer.Load(parse.GetRequiredValue(tokenizer)), parse.GetValue(decode), parse.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CommandConsole console, ModelTokenizer tokenizer, bool decode, bool json, CancellationToken cancellationToken)
    {
        for (var line = 1; await console.In.ReadLineAsync(cancellationToken) is { } text; line++)
        {
            if (decode && text.Length == 0) continue;
            if (decode) JsonOutput.Write(console.Out, new { text = tokenizer.Decode(ReadIds(text, line, tokenizer), skipSpecialTokens: false) });
            else if (!json || text.Length > 0) JsonOutput.Write(console.Out, tokenizer.Encode(ReadText(text, line, json)));
        }

        return ExitCodes.Success;
    }

    private static string ReadText(string line, int number, bool mustBeJson)
    {
        if (!mustBeJson && !line.StartsWith('{')) return line;
        try
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
                return text.GetString()!;
        }
        catch (JsonException) when (!mustBeJson)
        {
            return line;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Falls through: an InvalidOperationException is a lone surrogate, which no UTF-8 text can hold.
        }

        if (!mustBeJson) return line;
        throw new AlpacaException($"Line {number} of standard input is not a JSON object with a \"text\"; write {{\"text\": \"...\"}}.");
    }

    private static int[] ReadIds(string line, int number, ModelTokenizer tokenizer)
    {
        int[]? ids = null;
        try
        {
            ids = JsonSerializer.Deserialize<int[]>(line);
        }
        catch (JsonException)
        {
            // Reported below.
        }

        if (ids is null) throw new AlpacaException($"Line {number} of standard input is not a JSON array of ids, for example [1, 15043].");
        var outside = Array.FindIndex(ids, id => id < 0 || id >= tokenizer.VocabularySize);
        return outside < 0 ? ids : throw new AlpacaException($"Line {number} of standard input holds the id {ids[outside]}; the tokenizer has 0 to {tokenizer.VocabularySize - 1}.");
    }
}
