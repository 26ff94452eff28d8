using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>Reads instruction data: JSON lists or JSON lines of Alpaca's rows, OpenAI's messages or ShareGPT's conversations.</summary>
/// <remarks>
/// A row is <c>{"instruction", "input", "output"}</c>, with <c>"history": [[question, answer], ...]</c> and <c>"system"</c> if need be, or
/// <c>{"messages": [{"role", "content"}, ...]}</c>, or <c>{"conversations": [{"from", "value"}, ...]}</c>. Rows of different shapes may stand in one file.
/// </remarks>
public static class InstructionDataset
{
    private static readonly string[] Extensions = [".json", ".jsonl"];

    /// <summary>Reads all samples, in the order of the files and rows.</summary>
    /// <param name="filesOrFolders">
    /// Files, or folders whose <c>*.json</c> and <c>*.jsonl</c> files are read in ordinal order of their names (sub-folders are not looked into). A folder without such
    /// files is passed over as long as the others hold samples.
    /// </param>
    /// <returns>The samples, at least one. A missing or null input is <see langword="null"/>; other keys of a row are ignored.</returns>
    /// <exception cref="AlpacaException">
    /// Something cannot be read: no such path, a file that is not UTF-8 or not JSON, a row without instruction or output or of more than 16 MiB; or none of the paths holds
    /// data. All problems are in the message, one a line, with file and row (or line, for JSON lines).
    /// </exception>
    public static IReadOnlyList<Conversation> Load(IEnumerable<string> filesOrFolders) => Read(filesOrFolders, isAnswered: true);

    /// <summary>Reads questions: rows as <see cref="Load(IEnumerable{string})"/> takes them, whose last answer may be missing or empty, or <c>{"prompt"}</c>.</summary>
    /// <param name="filesOrFolders">As there.</param>
    /// <returns>At least one. The last turn of each has the answer that the row has, or <see langword="null"/>.</returns>
    /// <exception cref="AlpacaException">As there.</exception>
    public static IReadOnlyList<Conversation> LoadQuestions(IEnumerable<string> filesOrFolders) => Read(filesOrFolders, isAnswered: false);

    /// <summary>Counts the samples of one file without keeping them: the check that <see cref="Load(IEnumerable{string})"/> makes, in memory that does not grow with the data.</summary>
    /// <param name="content">The file's content, read from where it stands; to the end unless something is wrong.</param>
    /// <param name="name">What it is called in messages.</param>
    /// <param name="cancellationToken">Ends the reading early.</param>
    /// <returns>At least 1.</returns>
    /// <exception cref="AlpacaException">Something is wrong with it; all problems, as there.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was ended early.</exception>
    public static int Count(Stream content, string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        var (count, problems) = (0, new ProblemList());
        new InstructionReader(name, _ => count = checked(count + 1), problems, isAnswered: true).Read(content, cancellationToken);
        problems.ThrowIfAny();
        return count;
    }

    /// <summary>The files that <see cref="Load"/> reads, in its order.</summary>
    /// <param name="filesOrFolders">As there.</param>
    public static IReadOnlyList<string> FindFiles(IEnumerable<string> filesOrFolders)
    {
        ArgumentNullException.ThrowIfNull(filesOrFolders);
        return DataFiles.Find(filesOrFolders, Extensions, []);
    }

    private static List<Conversation> Read(IEnumerable<string> filesOrFolders, bool isAnswered)
    {
        ArgumentNullException.ThrowIfNull(filesOrFolders);
        var samples = new List<Conversation>();
        var problems = new ProblemList();
        var emptyFolders = new List<string>();
        foreach (var file in DataFiles.Find(filesOrFolders, Extensions, emptyFolders)) InstructionFile.Read(file, samples, problems, isAnswered);

        // A folder that is filled later, such as one for dropped files, may be empty as long as there is data elsewhere.
        if (samples.Count == 0) emptyFolders.ForEach(folder => problems.Add($"{folder} has no .json or .jsonl file; put instruction data there or name another folder."));
        problems.ThrowIfAny();
        return samples.Count > 0 ? samples : throw new AlpacaException("No instruction data was named; name at least one file or folder.");
    }
}
