using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>Writes the tokenizer files and <c>generation_config.json</c> as transformers 4.28 does, byte for byte.</summary>
internal static class TokenizerWriter
{
    private const string GenerationConfig = """
        {
          "_from_model_config": true,
          "bos_token_id": 1,
          "eos_token_id": 2,
          "pad_token_id": 0,
          "transformers_version": "4.28.0.dev0"
        }

        """;

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

    private const string TokenizerConfig = """
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
          "model_max_length": 2048,
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

    public static void WriteGenerationConfig(string folder) => Write(folder, "generation_config.json", GenerationConfig);

    public static void WriteTokenizer(string folder, string tokenizerModel)
    {
        TokenizerFiles.CopyModel(tokenizerModel, folder);
        Write(folder, "tokenizer_config.json", TokenizerConfig);
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
