using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>Reads plain text, document by document, so that only one of them is in memory.</summary>
/// <remarks>
/// Text is UTF-8 whatever the system's language; a byte order mark is passed over, lines end with a line feed or a carriage return and a line feed. Blank lines make no documents: the
/// original script made of each a beginning of sequence with nothing after it.
/// </remarks>
public sealed class TextDataset
{
    private static readonly string[] Extensions = [".txt"];

    private readonly TextDocuments _documents;
    private readonly List<string> _filesWithoutText = [];

    private TextDataset(IReadOnlyList<string> files, TextDocuments documents) => (Files, _documents) = (files, documents);

    /// <summary>The files, in the order in which they are read.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>The lines read so far, blank ones included.</summary>
    public long Lines { get; private set; }

    /// <summary>The bytes read so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>The files read so far that have blank lines only, or none.</summary>
    public IReadOnlyList<string> FilesWithoutText => _filesWithoutText;

    /// <summary>Finds the files.</summary>
    /// <param name="filesOrFolders">
    /// Files, or folders whose <c>*.txt</c> files are read in ordinal order of their names (sub-folders are not looked into). A folder without such files is passed over as long as
    /// there are files elsewhere.
    /// </param>
    /// <param name="documents">What a document is.</param>
    /// <exception cref="AlpacaException">There is no file, or one that is named does not exist; all problems are in the message, one a line.</exception>
    public static TextDataset Open(IEnumerable<string> filesOrFolders, TextDocuments documents)
    {
        ArgumentNullException.ThrowIfNull(filesOrFolders);
        var emptyFolders = new List<string>();
        var problems = new ProblemList();
        var files = DataFiles.Find(filesOrFolders, Extensions, emptyFolders);
        foreach (var file in files.Where(file => !File.Exists(file))) problems.Add($"{file} does not exist; name a text file or a folder of them.");
        if (files.Count == 0) emptyFolders.ForEach(folder => problems.Add($"{folder} has no .txt file; put text there or name another folder."));
        problems.ThrowIfAny();
        return files.Count > 0 ? new TextDataset(files, documents) : throw new AlpacaException("No text was named; name at least one file or folder.");
    }

    /// <summary>Reads all documents, in the order of the files and lines. After the first problem the rest is only checked.</summary>
    /// <exception cref="AlpacaException">A file cannot be read or is not UTF-8; thrown at the end, with all problems in the message, one a line, with file, line and byte.</exception>
    public IEnumerable<TextDocument> Read()
    {
        var problems = new ProblemList();
        foreach (var file in Files)
        {
            var isEmpty = true;
            using var lines = new TextLineReader(file, problems);
            foreach (var document in Documents(file, lines))
            {
                isEmpty = false;
                if (problems.IsEmpty) yield return document;
            }
            if (isEmpty) _filesWithoutText.Add(file);
        }
        problems.ThrowIfAny();
    }

    private IEnumerable<TextDocument> Documents(string file, TextLineReader lines)
    {
        var (text, start) = (new StringBuilder(), 0);
        while (Next(lines) is { } line)
        {
            var isBlank = string.IsNullOrWhiteSpace(line);
            if (isBlank && _documents == TextDocuments.Paragraph && text.Length > 0)
            {
                yield return Take();
            }
            else if (!isBlank && _documents == TextDocuments.Line)
            {
                yield return new TextDocument(line, new RowPlace(file, lines.Number, IsLine: true));
            }
            else if (_documents != TextDocuments.Line && (!isBlank || (text.Length > 0 && _documents == TextDocuments.File)))
            {
                if (text.Length == 0) start = lines.Number;
                else text.Append('\n');
                if (!lines.Fits(text.Length + line.Length)) yield break;
                text.Append(line);
            }
        }
        if (text.Length > 0) yield return Take();

        TextDocument Take()
        {
            var document = new TextDocument(text.ToString().TrimEnd('\n'), new RowPlace(file, start, IsLine: true));
            text.Clear();
            return document;
        }
    }

    private string? Next(TextLineReader lines)
    {
        var before = lines.Bytes;
        var line = lines.Read();
        Bytes += lines.Bytes - before;
        if (line is not null) Lines++;
        return line;
    }
}
