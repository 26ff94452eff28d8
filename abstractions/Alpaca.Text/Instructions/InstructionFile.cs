namespace Alpaca.Text;

/// <summary>Reads one file of instruction data; the memory needed is that of its samples.</summary>
internal static class InstructionFile
{
    /// <summary>Reads a file.</summary>
    /// <param name="file">Its path.</param>
    /// <param name="samples">Gets its rows.</param>
    /// <param name="problems">Gets what is wrong with it.</param>
    /// <param name="isAnswered">Whether each row must end with an answer.</param>
    public static void Read(string file, List<Conversation> samples, ProblemList problems, bool isAnswered)
    {
        try
        {
            using var content = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
            new InstructionReader(file, samples.Add, problems, isAnswered).Read(content);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            problems.Add($"{file} does not exist; name a JSON file or a folder of them.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            problems.Add($"{file} cannot be read: {e.Message}");
        }
    }
}
