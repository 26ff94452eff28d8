using System.Globalization;
using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>Writes <c>generation_config.json</c> as transformers 4.28 does, byte for byte: the ids that begin, end and pad a sequence.</summary>
internal static class GenerationConfig
{
    public const string FileName = "generation_config.json";

    /// <summary>Writes the file.</summary>
    /// <param name="folder">The folder; it exists.</param>
    /// <param name="config">The model's configuration, which has the ids.</param>
    public static void Write(string folder, LlamaConfig config)
    {
        string[] lines =
        [
            "\"_from_model_config\": true",
            string.Create(CultureInfo.InvariantCulture, $"\"bos_token_id\": {config.BosTokenId}"),
            string.Create(CultureInfo.InvariantCulture, $"\"eos_token_id\": {config.EosTokenId}"),
            .. config.PadTokenId is { } pad ? [string.Create(CultureInfo.InvariantCulture, $"\"pad_token_id\": {pad}")] : Array.Empty<string>(),
            "\"transformers_version\": \"4.28.0.dev0\"",
        ];
        File.WriteAllText(Path.Combine(folder, FileName), $"{{\n  {string.Join(",\n  ", lines)}\n}}\n");
    }
}
