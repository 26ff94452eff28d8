using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>A tiktoken vocabulary: a line for each piece, its bytes in base64 and its rank, which is its id.</summary>
public static class TiktokenFile
{
    // Llama 3's has 2.2 MB.
    private const long MaxLength = 64 << 20;

    private const int MaxPieceBytes = 1024;

    private const int ShownProblems = 8;

    /// <summary>Whether a file begins as a tiktoken file does.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="AlpacaException">The file cannot be read.</exception>
    public static bool IsOne(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var head = new byte[256];
        using var file = Open(path);
        var count = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        var end = head.AsSpan(0, count).IndexOf((byte)'\n');
        return TryParse(head.AsSpan(0, end < 0 ? count : end).TrimEnd((byte)'\r'), out _, out _);
    }

    /// <summary>Reads the pieces.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The pieces in the order of their ranks, written in <see cref="ByteAlphabet"/>; every single byte is among them.</returns>
    /// <exception cref="AlpacaException">A line cannot be read, ranks are left out or given twice, or bytes are missing; lists all problems.</exception>
    public static IReadOnlyList<string> Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var lines = ReadLines(path);
        var byRank = new string?[lines.Count];
        var ranks = new Dictionary<string, int>(lines.Count, StringComparer.Ordinal);
        var problems = new List<string>();
        foreach (var (line, number) in lines)
        {
            if (!TryParse(line, out var bytes, out var rank)) problems.Add($"line {number} is not a piece in base64 and a rank");
            else if (rank >= byRank.Length) problems.Add($"line {number} has the rank {rank}, which is not below the {byRank.Length} pieces");
            else if (byRank[rank] is not null) problems.Add($"line {number} has the rank {rank}, which is taken");
            else if (!ranks.TryAdd(byRank[rank] = ByteAlphabet.Encode(bytes), rank)) problems.Add($"line {number} has a piece that is there already");
        }

        if (problems.Count == 0)
        {
            var missing = Enumerable.Range(0, 256).Where(value => !ranks.ContainsKey(ByteAlphabet.Encode((byte)value).ToString()));
            problems.AddRange(missing.Select(value => $"the byte {value} is no piece"));
        }
        return problems.Count == 0
            ? (string[])byRank!
            : throw new AlpacaException($"{path} is not a sound tiktoken vocabulary: {List(problems)}; get it again.");
    }

    private static string List(List<string> problems)
        => string.Join("; ", problems.Take(ShownProblems)) + (problems.Count > ShownProblems ? $"; and {problems.Count - ShownProblems} more" : "");

    private static List<(byte[] Line, int Number)> ReadLines(string path)
    {
        using var file = Open(path);
        if (file.Length > MaxLength) throw new AlpacaException($"{path} has {file.Length} bytes, too many for a tiktoken vocabulary; check that it is the right file.");
        using var reader = new StreamReader(file, Encoding.Latin1);
        var lines = new List<(byte[], int)>();
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            if (line.Length > 0) lines.Add((Encoding.Latin1.GetBytes(line), number));
        }
        return lines;
    }

    private static bool TryParse(ReadOnlySpan<byte> line, out byte[] piece, out int rank)
    {
        (piece, rank) = ([], 0);
        var space = line.IndexOf((byte)' ');
        if (space < 1 || space > MaxPieceBytes || !int.TryParse(line[(space + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out rank)) return false;
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(space)];
        if (Base64.DecodeFromUtf8(line[..space], bytes, out _, out var count) != System.Buffers.OperationStatus.Done || count == 0) return false;
        piece = bytes[..count];
        return true;
    }

    private static FileStream Open(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{path} cannot be read ({e.Message}); check the path and its permissions.", e);
        }
    }
}
