using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>What tokenised data is made from, all of it.</summary>
/// <param name="Purpose">What it is for, in messages.</param>
/// <param name="FindFiles">The files, in the order in which they are read.</param>
/// <param name="Tokenizer">The tokenizer's folder or file.</param>
/// <param name="Encoding">The options that say how, as a text.</param>
internal sealed record DataSource(string Purpose, Func<IReadOnlyList<string>> FindFiles, string Tokenizer, string Encoding)
{
    // With the code that encodes, in whatever build, and with everything else by its content, what has the same key has the same tokens.
    private static readonly Assembly[] Encoders = [typeof(DataSource).Assembly, typeof(ModelTokenizer).Assembly];

    // All that a tokenizer is read from; weights may lie beside it.
    private static readonly string[] TokenizerExtensions = [".model", ".json"];

    /// <summary>Hashes files, tokenizer, options and code.</summary>
    /// <returns>A SHA-256 in hexadecimal, or <see langword="null"/> where a file cannot be read, which encoding will say better.</returns>
    public string? Key(CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var encoder in Encoders) Append(encoder.ManifestModule.ModuleVersionId.ToString());
        Append(Purpose);
        Append(Encoding);
        try
        {
            foreach (var file in TokenizerFiles()) AppendFile(Path.GetFileName(file), file);
            Append("data");
            foreach (var file in FindFiles()) AppendFile(file, file); // messages name places by it
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(string text)
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(text);
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(bytes.Length.ToString(CultureInfo.InvariantCulture) + ":"));
            hash.AppendData(bytes);
        }

        void AppendFile(string name, string file)
        {
            Append(name);
            using var stream = File.OpenRead(file);
            using var content = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[1 << 20];
            for (int count; (count = stream.Read(buffer)) > 0;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                content.AppendData(buffer, 0, count);
            }

            hash.AppendData(content.GetHashAndReset());
        }
    }

    private IEnumerable<string> TokenizerFiles()
        => Directory.Exists(Tokenizer)
            ? Directory.EnumerateFiles(Tokenizer).Where(file => TokenizerExtensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)
            : [Tokenizer];
}
