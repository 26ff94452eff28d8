using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>Writes the tokenizer files of LLaMA 1 and 2 as transformers 4.28 does, byte for byte.</summary>
internal static class SentencePieceTokenizerWriter
{
    private const string SpecialTokensMap = """
        {
          "bos_token": {
            "content": "<s>",
            "lstrip": false,
            "normalized": true,
            "rstrip": false,
            "single_word": false
          },
          "eos_token": {
            "content": "</s>",
            "lstrip": false,
            "normalized": true,
            "rstrip": false,
            "single_word": false
          },
          "unk_token": {
            "content": "<unk>",
            "lstrip": false,
            "normalized": true,
            "rstrip": false,
            "single_word": false
          }
        }

        """;

    private const string ContextLengthPlace = "CONTEXT_LENGTH";

    private const string TokenizerConfig = $$"""
        {
          "add_bos_token": true,
          "add_eos_token": false,
          "bos_token": {
            "__type": "AddedToken",
            "content": "<s>",
            "lstrip": false,
            "normalized": true,
            "rstrip": false,
            "single_word": false
          },
          "clean_up_tokenization_spaces": false,
          "eos_token": {
            "__type": "AddedToken",
            "content": "</s>",
            "lstrip": false,
            "normalized": true,
            "rstrip": false,
            "single_word": false
          },
          "model_max_length": {{ContextLengthPlace}},
          "pad_token": null,
          "sp_model_kwargs": {},
          "tokenizer_class": "LlamaTokenizer",
          "unk_token": {
            "__type": "AddedToken",
            "content": "<unk>",
            "lstrip": false,
            "normalized": true,
            "rstrip": false,
            "single_word": false
          }
        }

        """;

    /// <summary>Writes <c>tokenizer.model</c>, <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c>.</summary>
    /// <param name="folder">The folder; it exists.</param>
    /// <param name="tokenizerModel">The SentencePiece model.</param>
    /// <param name="contextLength">The longest sequence.</param>
    /// <exception cref="AlpacaException">A file cannot be written.</exception>
    public static void Write(string folder, string tokenizerModel, int contextLength)
    {
        TokenizerFiles.CopyModel(tokenizerModel, folder);
        Write(folder, "tokenizer_config.json", TokenizerConfig.Replace(ContextLengthPlace, contextLength.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        Write(folder, "special_tokens_map.json", SpecialTokensMap);
    }

    private static void Write(string folder, string name, string content)
    {
        var path = Path.Combine(folder, name);
        try
        {
            File.WriteAllText(path, content.ReplaceLineEndings("\n"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{path} cannot be written ({e.Message}); make room on the disk or choose another folder.", e);
        }
    }
}
