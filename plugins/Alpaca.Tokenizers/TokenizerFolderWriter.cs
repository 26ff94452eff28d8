using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Alpaca.Text;

namespace Alpaca.Tokenizers;

/// <summary>Writes a tokenizer folder as Hugging Face's <c>LlamaTokenizer.save_pretrained</c> does (transformers 4.28), byte for byte.</summary>
internal static class TokenizerFolderWriter
{
    /// <summary>The name under which the original script wrote the merged SentencePiece model.</summary>
    public const string MergedModelFileName = "chinese_llama.model";

    // json.dumps(indent=2, sort_keys=True): two spaces, ordinal order of keys, and a line break at the end.
    private static readonly JsonSerializerOptions PythonLike = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes model, configuration and special tokens.</summary>
    /// <param name="model">The merged model.</param>
    /// <param name="padToken">The padding token, if there is one.</param>
    /// <param name="folder">An existing folder.</param>
    public static void Write(SentencePieceModel model, string? padToken, string folder)
    {
        model.Save(Path.Combine(folder, LlamaTokenizer.ModelFileName));
        model.Save(Path.Combine(folder, MergedModelFileName));

        var (bos, eos, unk) = (model.Trainer.BosPiece, model.Trainer.EosPiece, model.Pieces.First(piece => piece.Type == SentencePieceType.Unknown).Text);
        WriteJson(Path.Combine(folder, "tokenizer_config.json"), new JsonObject
        {
            ["add_bos_token"] = true,
            ["add_eos_token"] = false,
            ["bos_token"] = AddedToken(bos, withType: true),
            ["clean_up_tokenization_spaces"] = false,
            ["eos_token"] = AddedToken(eos, withType: true),
            ["model_max_length"] = 2048,
            // Named in special_tokens_map.json alone, as in the published Chinese-Alpaca.
            ["pad_token"] = null,
            ["sp_model_kwargs"] = new JsonObject(),
            ["tokenizer_class"] = "LlamaTokenizer",
            ["unk_token"] = AddedToken(unk, withType: true),
        });

        var map = new JsonObject { ["bos_token"] = AddedToken(bos, withType: false), ["eos_token"] = AddedToken(eos, withType: false) };
        if (padToken is not null) map["pad_token"] = padToken;
        map["unk_token"] = AddedToken(unk, withType: false);
        WriteJson(Path.Combine(folder, "special_tokens_map.json"), map);
    }

    private static JsonObject AddedToken(string content, bool withType)
    {
        var token = new JsonObject();
        if (withType) token["__type"] = "AddedToken";
        token["content"] = content;
        token["lstrip"] = false;
        token["normalized"] = true;
        token["rstrip"] = false;
        token["single_word"] = false;
        return token;
    }

    private static void WriteJson(string file, JsonObject json) => File.WriteAllText(file, json.ToJsonString(PythonLike) + "\n");
}
