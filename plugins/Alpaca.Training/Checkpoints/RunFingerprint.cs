using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Training;

/// <summary>What a checkpoint must agree with to be gone on from.</summary>
internal static class RunFingerprint
{
    // Raised when the meaning of a checkpoint changes.
    private const string Version = "1";

    /// <summary>Hashes the request, the samples as tokens, and the identity (names, sizes, times) of the weight files.</summary>
    /// <param name="request">All options.</param>
    /// <param name="data">The encoded samples.</param>
    /// <returns>A SHA-256 in hexadecimal.</returns>
    public static string Of(TrainingRequest request, TrainingData data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(Version);
        Append(JsonSerializer.Serialize(request with { DataCacheDir = null }, request.GetType()));
        foreach (var path in new[] { request.ModelNameOrPath, request.PeftPath, request.LoraInit }.OfType<string>())
        {
            var files = Directory.Exists(path) ? Directory.GetFiles(path).Order(StringComparer.Ordinal).ToArray() : [path];
            foreach (var file in files.Select(f => new FileInfo(f)))
                Append(string.Create(CultureInfo.InvariantCulture, $"{file.Name}/{file.Length}/{file.LastWriteTimeUtc.Ticks}"));
        }

        AppendRows(data.Training);
        AppendRows(data.Validation);
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + "\n"));

        void AppendRows(IReadOnlyList<TrainingRow> rows)
        {
            Append(rows.Count.ToString(CultureInfo.InvariantCulture));
            foreach (var row in rows)
            {
                Append(row.Samples.Count.ToString(CultureInfo.InvariantCulture));
                foreach (var sample in row.Samples)
                {
                    Append(sample.InputIds.Length.ToString(CultureInfo.InvariantCulture));
                    hash.AppendData(MemoryMarshal.AsBytes(sample.InputIds.AsSpan()));
                    hash.AppendData(MemoryMarshal.AsBytes(sample.Labels.AsSpan()));
                }
            }
        }
    }
}
