using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Meta's <c>checklist.chk</c>: the output of <c>md5sum</c> for the files of a checkpoint.</summary>
public static class MetaChecklist
{
    /// <summary>The file's name.</summary>
    public const string FileName = "checklist.chk";

    /// <summary>Writes the sums of some files of a folder.</summary>
    /// <param name="folder">The folder; the checklist is written there too.</param>
    /// <param name="fileNames">Names of files in it, in the order of the checklist.</param>
    /// <param name="progress">Told the bytes summed, file by file.</param>
    /// <param name="cancellationToken">Looked at every MB.</param>
    [SuppressMessage("Security", "CA5351", Justification = "The format is defined by MD5; it guards against damage, not against forgery.")]
    public static void Write(string folder, IEnumerable<string> fileNames, IStageProgress progress, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        ArgumentNullException.ThrowIfNull(fileNames);
        ArgumentNullException.ThrowIfNull(progress);
        var text = new StringBuilder();
        var buffer = new byte[1 << 20];
        foreach (var name in fileNames)
        {
            using var md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
            using var file = new FileStream(Path.Combine(folder, name), FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            using var task = progress.Start($"md5 {name}", file.Length, ProgressUnit.Bytes);
            for (int count; (count = file.Read(buffer)) > 0;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                md5.AppendData(buffer, 0, count);
                task.Report(file.Position);
            }

            text.Append(Convert.ToHexStringLower(md5.GetHashAndReset())).Append("  ").Append(name).Append('\n');
        }

        File.WriteAllText(Path.Combine(folder, FileName), text.ToString());
    }
}
