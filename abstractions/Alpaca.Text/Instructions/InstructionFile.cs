using System.Text.Json;
using System.Text.Unicode;

namespace Alpaca.Text;

/// <summary>Reads one file of instruction data, row by row, so that the memory needed is the file and its samples.</summary>
internal static class InstructionFile
{
    private const byte LineFeed = (byte)'\n';

    private static readonly JsonReaderOptions Options = new() { CommentHandling = JsonCommentHandling.Disallow };

    /// <summary>Reads a file.</summary>
    /// <param name="file">Its path.</param>
    /// <param name="samples">Gets its rows.</param>
    /// <param name="problems">Gets what is wrong with it.</param>
    public static void Read(string file, List<Conversation> samples, ProblemList problems)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            problems.Add($"{file} does not exist; name a JSON file or a folder of them.");
            return;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            problems.Add($"{file} cannot be read: {e.Message}");
            return;
        }

        var text = bytes.AsSpan();
        if (text.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) text = text[3..];
        if (!Utf8.IsValid(text))
        {
            problems.Add($"{file} is not UTF-8; save it as UTF-8.");
            return;
        }
        var first = text.IndexOfAnyExcept(" \t\r\n"u8);
        if (first < 0) problems.Add($"{file} is empty; put a JSON list of samples there or remove it.");
        else if (text[first] == '[') ReadList(file, text, samples, problems);
        else ReadLines(file, text, samples, problems);
    }

    /// <summary>Reads <c>[{...}, {...}]</c>.</summary>
    private static void ReadList(string file, ReadOnlySpan<byte> text, List<Conversation> samples, ProblemList problems)
    {
        var row = 0;
        try
        {
            var reader = new Utf8JsonReader(text, Options);
            reader.Read();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) ReadRow(ref reader, new RowPlace(file, ++row, IsLine: false), samples, problems);
            reader.Read(); // throws if something follows the list
            if (row == 0) problems.Add($"{file} is an empty list; put samples there or remove it.");
        }
        catch (JsonException e)
        {
            problems.Add($"{file}, line {e.LineNumber + 1}: not JSON after row {row} ({Reason(e)}); correct it there.");
        }
    }

    /// <summary>Reads one JSON object a line; empty lines mean nothing.</summary>
    private static void ReadLines(string file, ReadOnlySpan<byte> text, List<Conversation> samples, ProblemList problems)
    {
        for (var line = 1; !text.IsEmpty; line++)
        {
            var end = text.IndexOf(LineFeed);
            var current = end < 0 ? text : text[..end];
            text = end < 0 ? [] : text[(end + 1)..];
            if (!current.ContainsAnyExcept(" \t\r"u8)) continue;
            try
            {
                var reader = new Utf8JsonReader(current, Options);
                reader.Read();
                ReadRow(ref reader, new RowPlace(file, line, IsLine: true), samples, problems);
                reader.Read(); // throws if something follows the object
            }
            catch (JsonException e)
            {
                problems.Add($"{file}, line {line}: not JSON ({Reason(e)}); the file must be a JSON list, or have one JSON object on each line.");
                // A file that is no JSON at all would give one problem a line.
                if (line == 1) return;
            }
        }
    }

    private static void ReadRow(ref Utf8JsonReader reader, RowPlace place, List<Conversation> samples, ProblemList problems)
    {
        using var row = JsonDocument.ParseValue(ref reader);
        var wrong = new List<string>();
        if (ConversationRow.Read(row.RootElement, wrong) is { } conversation) samples.Add(conversation with { Place = place });
        else problems.Add($"{place}: {string.Join(", ", wrong)}; correct the row.");
    }

    /// <summary>The parser's sentence without its own position, which is relative to the line where lines are read one by one.</summary>
    private static string Reason(JsonException e)
    {
        var end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return (end < 0 ? e.Message : e.Message[..end]).TrimEnd('.');
    }
}
