using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>What tokenised data is made from, all of it.</summary>
/// <param name="Purpose">What it is for, in messages.</param>
/// <param name="FindFiles">The files, in the order in which they are read.</param>
/// <param name="Tokenizer">The tokenizer's folder or file.</param>
/// <param name="Options">The options that say how, as a text.</param>
internal sealed record DataSource(string Purpose, Func<IReadOnlyList<string>> FindFiles, string Tokenizer, string Options)
{
    // With the code that encodes, in whatever build, and with everything else by its content, what has the same key has the same tokens.
    private static readonly Assembly[] Encoders = [typeof(DataSource).Assembly, typeof(ModelTokenizer).Assembly];

    // All that a tokenizer is read from; weights may lie beside it.
    private static readonly string[] TokenizerExtensions = [".model", ".json"];

    /// <summary>Hashes files, tokenizer, options and code.</summary>
    /// <param name="progress">Told how many bytes are read.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>A SHA-256 in hexadecimal, or <see langword="null"/> where a file cannot be read, which encoding will say better.</returns>
    public string? Key(IStageProgress progress, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(RuntimeInformation.FrameworkDescription);
        foreach (var encoder in Encoders) Append(encoder.ManifestModule.ModuleVersionId.ToString());
        Append(Purpose);
        Append(Options);
        try
        {
            foreach (var file in TokenizerFiles()) AppendFile(Path.GetFileName(file), file);
            Append("data");
            var files = FindFiles();
            using var task = progress.Start($"checksums of {Purpose} data", files.Sum(file => new FileInfo(file).Length), ProgressUnit.Bytes);
            var done = 0L;
            foreach (var file in files) AppendFile(file, file, count => task.Report(done += count)); // messages name places by the file
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(Encoding.UTF8.GetBytes(bytes.Length.ToString(CultureInfo.InvariantCulture) + ":"));
            hash.AppendData(bytes);
        }

        void AppendFile(string name, string file, Action<int>? report = null)
        {
            Append(name);
            using var stream = File.OpenRead(file);
            using var content = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[1 << 20];
            for (int count; (count = stream.Read(buffer)) > 0;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                content.AppendData(buffer, 0, count);
                report?.Invoke(count);
            }

            hash.AppendData(content.GetHashAndReset());
        }
    }

    private IEnumerable<string> TokenizerFiles()
        => Directory.Exists(Tokenizer)
            ? Directory.EnumerateFiles(Tokenizer).Where(file => TokenizerExtensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)
            : [Tokenizer];
}
