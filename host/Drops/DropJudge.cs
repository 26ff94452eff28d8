using System.Security.Cryptography;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>What was found out about a drop.</summary>
/// <param name="Sha256">The digest of its content; <see langword="null"/> for what is no file.</param>
/// <param name="Samples">How many it has; 0 for a bad one.</param>
/// <param name="Reason">Why it is bad; <see langword="null"/> for a good one.</param>
internal sealed record DropVerdict(string? Sha256, int Samples, string? Reason)
{
    public static DropVerdict Bad(string? sha256, string reason) => new(sha256, 0, reason);
}

/// <summary>Says whether a drop can be used. It is read once, and the memory that takes does not grow with it.</summary>
internal static class DropJudge
{
    private const int BlockBytes = 1 << 15;
    private const int LongestReason = 8000;

    private static readonly string[] Extensions = [".json", ".jsonl"];

    /// <exception cref="IOException">It cannot be read now.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="OperationCanceledException">It was ended early.</exception>
    public static DropVerdict Judge(string path, DropKind kind, CancellationToken cancellationToken)
    {
        var file = Path.GetFileName(path);
        var name = DropNames.Printable(file);
        switch (kind)
        {
            case DropKind.Link: return DropVerdict.Bad(null, $"{name} is a symbolic link, which is not followed; drop the file itself.");
            case DropKind.Folder: return DropVerdict.Bad(null, $"{name} is a folder; drop the files in it one by one.");
            case DropKind.Special: return DropVerdict.Bad(null, $"{name} is a pipe, a socket or a device; drop a file.");
        }

        using var content = DropFiles.OpenRead(path);
        using var digest = SHA256.Create();
        using var digested = new CryptoStream(content, digest, CryptoStreamMode.Read);
        var (samples, reason) = (0, WhyNotRead(file, name));
        try
        {
            if (reason is null) samples = InstructionDataset.Count(digested, name, cancellationToken);
        }
        catch (AlpacaException e)
        {
            reason = Shorten(e.Message);
        }

        // What was not read counts for the digest all the same.
        Span<byte> block = stackalloc byte[BlockBytes];
        while (digested.Read(block) > 0) cancellationToken.ThrowIfCancellationRequested();
        return new DropVerdict(Convert.ToHexStringLower(digest.Hash!), reason is null ? samples : 0, reason);
    }

    /// <summary>What is wrong may quote the data, which may be long, or meant for a terminal.</summary>
    private static string Shorten(string reason)
    {
        var lines = reason.Length <= LongestReason ? reason : $"{reason[..LongestReason]}...";
        return string.Join(Environment.NewLine, lines.Split(Environment.NewLine).Select(DropNames.Printable));
    }

    private static string? WhyNotRead(string file, string name)
        => !Extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase) ? $"{name} is neither a .json nor a .jsonl file."
            : !EscapedName.IsPlain(file) ? $"The name {name} is not UTF-8; give it another one."
            : null;
}
