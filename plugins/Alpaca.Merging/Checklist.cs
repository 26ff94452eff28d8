using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Merging;

/// <summary>Meta's <c>checklist.chk</c>: the output of <c>md5sum</c> for the files of a checkpoint.</summary>
internal static class Checklist
{
    private const string FileName = "checklist.chk";

    /// <summary>Writes the sums of some files of a folder.</summary>
    [SuppressMessage("Security", "CA5351", Justification = "The format is defined by MD5; it guards against damage, not against forgery.")]
    public static void Write(string folder, IEnumerable<string> fileNames, IStageProgress progress, CancellationToken cancellationToken)
    {
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
