using System.Text.Json;

namespace Alpaca.Text;

/// <summary>Reads instruction data row by row, so that the memory needed is that of a row, however long the data is.</summary>
/// <param name="name">What the data is called in messages.</param>
/// <param name="take">Gets its rows.</param>
/// <param name="problems">Gets what is wrong with it.</param>
/// <param name="isAnswered">Whether each row must end with an answer.</param>
internal sealed class InstructionReader(string name, Action<Conversation> take, ProblemList problems, bool isAnswered)
{
    /// <summary>How many bytes a row may have. Far more than can be trained, and little enough to be taken whole.</summary>
    public const int LongestRow = 16 << 20;

    private const byte LineFeed = (byte)'\n';

    private static readonly JsonReaderOptions Options = new() { CommentHandling = JsonCommentHandling.Disallow };

    private int _rows; // read whole
    private int _begun;
    private long _blankLines; // before the first row

    /// <summary>Reads to the end, or to something after which nothing can be made out.</summary>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was ended early.</exception>
    public void Read(Stream content, CancellationToken cancellationToken = default)
    {
        var window = new Utf8Window(content, LongestRow, cancellationToken);
        var first = SkipBlank(window);
        if (first == '[') ReadList(window);
        else if (first is not null) ReadLines(window);
        else if (!window.IsBroken) problems.Add($"{name} is empty; put a JSON list of samples there or remove it.");
        if (window.IsBroken) problems.Add($"{name} is not UTF-8; save it as UTF-8.");
    }

    /// <returns>The first byte that is not blank; <see langword="null"/> where there is none.</returns>
    private byte? SkipBlank(Utf8Window window)
    {
        while (true)
        {
            var first = window.Text.IndexOfAnyExcept(" \t\r\n"u8);
            var blank = first < 0 ? window.Text.Length : first;
            _blankLines += window.Text[..blank].Count(LineFeed);
            window.Skip(blank);
            if (first >= 0) return window.Text[0];
            if (!window.Grow()) return null;
        }
    }

    /// <summary>Reads <c>[{...}, {...}]</c>.</summary>
    private void ReadList(Utf8Window window)
    {
        try
        {
            var state = new JsonReaderState(Options);
            while (!TryReadRows(window, ref state))
            {
                // At the end of the data the parser itself says what is missing.
                if (window.Grow() || window.IsAtEnd && !window.IsBroken) continue;
                if (window.IsFull) AddTooLong(new RowPlace(name, _rows + 1, IsLine: false));
                return;
            }

            if (_rows == 0) problems.Add($"{name} is an empty list; put samples there or remove it.");
        }
        catch (JsonException e)
        {
            problems.Add($"{name}, line {_blankLines + e.LineNumber + 1}: not JSON after row {_begun} ({Reason(e)}); correct it there.");
        }
    }

    /// <summary>Reads the rows that are in the window whole.</summary>
    /// <returns>Whether that was all; otherwise the window has to grow.</returns>
    private bool TryReadRows(Utf8Window window, ref JsonReaderState state)
    {
        var reader = new Utf8JsonReader(window.Text, window.IsAtEnd, state);
        while (true)
        {
            var before = reader;
            if (!reader.Read()) break; // past the white space, which may be long
            if (reader.CurrentDepth == 0) continue; // the brackets of the list
            _begun = _rows + 1;
            if (!JsonDocument.TryParseValue(ref reader, out var row))
            {
                reader = before;
                break;
            }

            _rows = _begun;
            using (row) Take(row.RootElement, new RowPlace(name, _rows, IsLine: false));
        }

        state = reader.CurrentState;
        window.Skip((int)reader.BytesConsumed);
        return window.IsAtEnd;
    }

    /// <summary>Reads one JSON object a line; empty lines mean nothing.</summary>
    private void ReadLines(Utf8Window window)
    {
        for (var line = _blankLines + 1; ; line++)
        {
            var scanned = 0;
            int end;
            while ((end = window.Text[scanned..].IndexOf(LineFeed)) < 0)
            {
                scanned = window.Text.Length;
                if (!window.Grow()) break;
            }

            var place = new RowPlace(name, (int)Math.Min(line, int.MaxValue), IsLine: true);
            if (end < 0 && window.IsFull) AddTooLong(place);
            if (end < 0 && (!window.IsAtEnd || window.IsBroken || window.Text.IsEmpty)) return;
            var length = end < 0 ? window.Text.Length : scanned + end;
            if (!TryReadLine(window.Text[..length], place) && line == 1) return; // A file that is no JSON at all would give one problem a line.
            window.Skip(end < 0 ? length : length + 1);
        }
    }

    private bool TryReadLine(ReadOnlySpan<byte> line, RowPlace place)
    {
        if (!line.ContainsAnyExcept(" \t\r"u8)) return true;
        try
        {
            var reader = new Utf8JsonReader(line, Options);
            reader.Read();
            using var row = JsonDocument.ParseValue(ref reader);
            Take(row.RootElement, place);
            reader.Read(); // throws if something follows the object
            return true;
        }
        catch (JsonException e)
        {
            problems.Add($"{name}, line {place.Number}: not JSON ({Reason(e)}); the file must be a JSON list, or have one JSON object on each line.");
            return false;
        }
    }

    private void Take(JsonElement row, RowPlace place)
    {
        var wrong = new List<string>();
        if (ReadRow(row, wrong) is { } conversation) take(conversation with { Place = place });
        else problems.Add($"{place}: {string.Join(", ", wrong)}; correct the row.");
    }

    private Conversation? ReadRow(JsonElement row, List<string> wrong)
    {
        try
        {
            return ConversationRow.Read(row, wrong, isAnswered);
        }
        catch (InvalidOperationException)
        {
            wrong.Add("a key holds half of a surrogate pair"); // "\ud83d" without its other half; the parser finds out only when it compares keys
            return null;
        }
    }

    private void AddTooLong(RowPlace place) => problems.Add($"{place}: longer than {LongestRow >> 20} MiB; split it into samples.");

    /// <summary>The parser's sentence without its own position, which is relative to the line where lines are read one by one.</summary>
    private static string Reason(JsonException e)
    {
        var end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return (end < 0 ? e.Message : e.Message[..end]).TrimEnd('.');
    }
}
