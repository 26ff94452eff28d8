using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Alpaca.Host;

/// <summary>Why a dropped file was refused: the content of <c>&lt;name&gt;.reason.json</c>.</summary>
/// <param name="File">The file's name as it was dropped; bytes that are not UTF-8 as <c>%FF</c>.</param>
/// <param name="Reason">What is wrong, with the rows or lines where it is.</param>
/// <param name="Sha256">The digest of its content; <see langword="null"/> for what is no file, and was not opened.</param>
/// <param name="RejectedAt">When it was refused (UTC).</param>
internal sealed record DropReason(string File, string Reason, string? Sha256, DateTimeOffset RejectedAt)
{
    /// <summary>The end of the name of a file with a reason.</summary>
    public const string Ending = ".reason.json";

    /// <summary>Reads the reason beside a refused file.</summary>
    /// <returns><see langword="null"/> where there is none that can be read.</returns>
    public static DropReason? TryRead(string refused)
    {
        try
        {
            using var stream = DropFiles.OpenRead(refused + Ending);
            return JsonSerializer.Deserialize<DropReason>(stream, JsonSerializerOptions.Web);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether two reasons say the same of the same file, if not at the same time.</summary>
    public bool IsSameAs(DropReason other) => this with { RejectedAt = other.RejectedAt } == other;

    /// <summary>Writes the reason, and then moves the file it is about, so that none lies there without its reason. Where the move fails, no reason stays behind.</summary>
    /// <param name="source">The file.</param>
    /// <param name="target">Where it goes, as <see cref="DropNames.Free"/> says.</param>
    public void MoveWith(string source, string target)
    {
        var final = target + Ending;
        if (DropFiles.StateOf(final) is null) Write(final);
        try
        {
            DropFiles.Move(source, target);
        }
        catch
        {
            System.IO.File.Delete(final);
            throw;
        }
    }

    private void Write(string final)
    {
        // Of a length that every file system takes, and the same when a killed process has left it.
        var temporary = Path.Combine(Path.GetDirectoryName(final)!, $".{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(final)).AsSpan(0, 16))}.tmp");
        try
        {
            using (var writer = new StreamWriter(DropFiles.CreateTemporary(temporary))) JsonOutput.Write(writer, this);
            DropFiles.Move(temporary, final);
        }
        finally
        {
            System.IO.File.Delete(temporary);
        }
    }
}
