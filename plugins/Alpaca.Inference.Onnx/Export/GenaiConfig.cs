using System.Text.Json;
using System.Text.Json.Nodes;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary><c>genai_config.json</c>: how onnxruntime-genai finds its way around the model.</summary>
internal static class GenaiConfig
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The file's text. Execution providers are left to the client: the same graph runs on all of them.</summary>
    /// <param name="config">The model.</param>
    /// <param name="kvCache"><see cref="GraphMetadata.Shared"/> or <see cref="GraphMetadata.Growing"/>.</param>
    public static string For(LlamaConfig config, string kvCache)
    {
        var decoder = new JsonObject
        {
            ["session_options"] = new JsonObject { ["log_id"] = "onnxruntime-genai", ["provider_options"] = new JsonArray() },
            ["filename"] = OnnxFiles.Model,
            ["head_size"] = config.HeadDim,
            ["hidden_size"] = config.HiddenSize,
            ["inputs"] = new JsonObject
            {
                ["input_ids"] = "input_ids",
                ["attention_mask"] = "attention_mask",
                ["past_key_names"] = "past_key_values.%d.key",
                ["past_value_names"] = "past_key_values.%d.value",
            },
            ["outputs"] = new JsonObject { ["logits"] = "logits", ["present_key_names"] = "present.%d.key", ["present_value_names"] = "present.%d.value" },
            ["num_attention_heads"] = config.NumAttentionHeads,
            ["num_hidden_layers"] = config.NumHiddenLayers,
            ["num_key_value_heads"] = config.NumKeyValueHeads,
        };
        var model = new JsonObject
        {
            ["bos_token_id"] = config.BosTokenId,
            ["context_length"] = config.MaxPositionEmbeddings,
            ["decoder"] = decoder,
            ["eos_token_id"] = EndOfSequence(config),
            ["pad_token_id"] = config.PadTokenId ?? config.EosTokenId,
            ["type"] = "llama",
            ["vocab_size"] = config.VocabSize,
        };
        var search = new JsonObject
        {
            ["do_sample"] = false,
            ["early_stopping"] = true,
            ["length_penalty"] = 1.0,
            ["max_length"] = config.MaxPositionEmbeddings,
            ["min_length"] = 0,
            ["num_beams"] = 1,
            ["num_return_sequences"] = 1,
            ["past_present_share_buffer"] = kvCache == GraphMetadata.Shared,
            ["repetition_penalty"] = 1.0,
            ["temperature"] = 1.0,
            ["top_k"] = 1,
            ["top_p"] = 1.0,
        };
        return new JsonObject { ["model"] = model, ["search"] = search }.ToJsonString(Indented) + "\n";
    }

    /// <summary>A <c>generation_config.json</c> for a model that has none.</summary>
    public static string GenerationDefaults(LlamaConfig config)
    {
        var defaults = new JsonObject { ["_from_model_config"] = true, ["bos_token_id"] = config.BosTokenId, ["eos_token_id"] = EndOfSequence(config) };
        if (config.PadTokenId is { } pad) defaults["pad_token_id"] = pad;
        return defaults.ToJsonString(Indented) + "\n";
    }

    private static JsonNode EndOfSequence(LlamaConfig config)
        => config.EosTokenIds.Count == 1 ? config.EosTokenId : new JsonArray([.. config.EosTokenIds.Select(id => JsonValue.Create(id))]);
}
