using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>The files of a tokenizer in a model or adapter folder.</summary>
public static class TokenizerFiles
{
    /// <summary>The SentencePiece model.</summary>
    public const string Model = "tokenizer.model";

    /// <summary>The names, the SentencePiece model first.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [Model, TokenizerJson.FileName, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "chat_template.json"];

    /// <summary>Whether a folder holds a tokenizer: <c>tokenizer.model</c> or <c>tokenizer.json</c>.</summary>
    public static bool ExistIn(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        return File.Exists(Path.Combine(folder, Model)) || File.Exists(Path.Combine(folder, TokenizerJson.FileName));
    }

    /// <summary>Copies those of <see cref="Names"/> that exist, byte for byte.</summary>
    /// <param name="fromFolder">A folder with a tokenizer.</param>
    /// <param name="toFolder">The destination; it exists. Files of the same name are replaced.</param>
    /// <exception cref="AlpacaException">A file cannot be copied.</exception>
    public static void Copy(string fromFolder, string toFolder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(fromFolder);
        ArgumentException.ThrowIfNullOrWhiteSpace(toFolder);
        foreach (var name in Names)
        {
            var source = Path.Combine(fromFolder, name);
            if (File.Exists(source))
            {
                CopyFile(source, Path.Combine(toFolder, name));
            }
        }
    }

    /// <summary>Copies one SentencePiece model, byte for byte, under its usual name.</summary>
    /// <param name="modelFile">The model, whatever it is called.</param>
    /// <param name="toFolder">The destination; it exists.</param>
    /// <exception cref="AlpacaException">The file cannot be copied.</exception>
    public static void CopyModel(string modelFile, string toFolder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(modelFile);
        ArgumentException.ThrowIfNullOrWhiteSpace(toFolder);
        CopyFile(modelFile, Path.Combine(toFolder, Model));
    }

    // Contents only: a read-only source must not make a read-only copy.
    private static void CopyFile(string source, string destination)
    {
        try
        {
            using var input = File.OpenRead(source);
            using var output = File.Create(destination);
            input.CopyTo(output);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{source} cannot be copied to {destination} ({e.Message}).", e);
        }
    }
}
