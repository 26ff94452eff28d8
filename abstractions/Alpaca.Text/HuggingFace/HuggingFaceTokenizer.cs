using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>What the JSON files of a Hugging Face tokenizer folder say besides the model.</summary>
public sealed record HuggingFaceTokenizerSettings
{
    /// <summary>The longest sequence, in tokens. The default is 2048.</summary>
    public int ModelMaxLength { get; init; } = 2048;

    /// <summary>The padding token, a piece of the model. The default is none.</summary>
    public string? PadToken { get; init; }

    /// <summary>The Jinja text by which a conversation is written out, such as <see cref="PromptTemplate.ToJinja"/>. The default is none.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>Whether <c>legacy</c> is set: text after a special token gets a space of its own before it. The default is <see langword="false"/>: it is not mentioned, which means the same.</summary>
    public bool NamesLegacy { get; init; }

    /// <summary>How often pieces are expected in text, from 0 to 1; they decide between merges that no order satisfies. The default is none: all are as frequent.</summary>
    public IReadOnlyDictionary<string, double>? Frequencies { get; init; }
}

/// <summary>Writes the files that Hugging Face's tokenizers read beside <c>tokenizer.model</c>.</summary>
public static class HuggingFaceTokenizer
{
    // json.dumps(indent=2, sort_keys=True): two spaces, ordinal order of keys, and a line break at the end.
    private static readonly JsonSerializerOptions PythonLike = new() { WriteIndented = true, IndentSize = 2, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Writes <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c>, with the default settings byte for byte as transformers 4.28 does for LLaMA, and <c>tokenizer.json</c> if the model can
    /// be expressed there.
    /// </summary>
    /// <param name="folder">An existing folder. Files of these names are replaced.</param>
    /// <param name="model">The model.</param>
    /// <param name="settings">What else they say.</param>
    /// <returns>What is in <c>tokenizer.json</c>; <see langword="null"/> if there is none, for the reason that <see cref="FastTokenizer.WhyNot"/> gives.</returns>
    /// <exception cref="AlpacaException">A file cannot be written.</exception>
    public static FastTokenizer? Write(string folder, SentencePieceModel model, HuggingFaceTokenizerSettings settings)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(settings);
        var fast = FastTokenizer.WhyNot(model) is null ? FastTokenizer.Of(model, settings.Frequencies) : null;
        try
        {
            File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), Config(model, settings).ToJsonString(PythonLike) + "\n");
            File.WriteAllText(Path.Combine(folder, "special_tokens_map.json"), SpecialTokensMap(model, settings.PadToken).ToJsonString(PythonLike) + "\n");
            if (fast is not null)
            {
                using var file = File.Create(Path.Combine(folder, FastTokenizer.FileName));
                fast.Write(file, settings.PadToken);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"The tokenizer cannot be written to {folder} ({e.Message}); make room on the disk or choose another folder.", e);
        }
        return fast;
    }

    private static JsonObject Config(SentencePieceModel model, HuggingFaceTokenizerSettings settings)
    {
        var config = new JsonObject
        {
            ["add_bos_token"] = true,
            ["add_eos_token"] = false,
            ["bos_token"] = AddedToken(model.Trainer.BosPiece, withType: true),
        };
        if (settings.ChatTemplate is { } template) config["chat_template"] = template;
        config["clean_up_tokenization_spaces"] = false;
        config["eos_token"] = AddedToken(model.Trainer.EosPiece, withType: true);
        if (settings.NamesLegacy) config["legacy"] = true;
        config["model_max_length"] = settings.ModelMaxLength;
        config["pad_token"] = settings.PadToken is { } pad ? AddedToken(pad, withType: true) : null;
        config["sp_model_kwargs"] = new JsonObject();
        config["tokenizer_class"] = "LlamaTokenizer";
        config["unk_token"] = AddedToken(UnkOf(model), withType: true);
        return config;
    }

    private static JsonObject SpecialTokensMap(SentencePieceModel model, string? padToken)
    {
        var map = new JsonObject { ["bos_token"] = AddedToken(model.Trainer.BosPiece, withType: false), ["eos_token"] = AddedToken(model.Trainer.EosPiece, withType: false) };
        if (padToken is not null) map["pad_token"] = AddedToken(padToken, withType: false);
        map["unk_token"] = AddedToken(UnkOf(model), withType: false);
        return map;
    }

    private static string UnkOf(SentencePieceModel model) => model.Pieces.FirstOrDefault(piece => piece.Type == SentencePieceType.Unknown)?.Text ?? "<unk>";

    // As an object and not as a string: around a plain string some readers swallow spaces and some do not.
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
}
