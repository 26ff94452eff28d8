namespace Alpaca.Host;

/// <summary>Why a dropped file was refused: the content of <c>&lt;name&gt;.reason.json</c>.</summary>
/// <param name="File">The file's name as it was dropped.</param>
/// <param name="Reason">What is wrong, with the rows or lines where it is.</param>
/// <param name="Sha256">The digest of its content.</param>
/// <param name="RejectedAt">When it was refused (UTC).</param>
internal sealed record DropReason(string File, string Reason, string Sha256, DateTimeOffset RejectedAt)
{
    /// <summary>Writes the reason and moves the file it is about. Where the move fails, no reason stays behind.</summary>
    public void WriteBeside(string target, Action move)
    {
        var final = $"{target}.reason.json";
        var temporary = $"{final}.tmp";
        try
        {
            using (var writer = new StreamWriter(temporary)) JsonOutput.Write(writer, this);
            move();
            System.IO.File.Move(temporary, final);
        }
        finally
        {
            System.IO.File.Delete(temporary);
        }
    }
}
