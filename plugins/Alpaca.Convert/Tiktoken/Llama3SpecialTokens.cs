namespace Alpaca.Convert;

/// <summary>The 256 special tokens of Llama 3, whose ids follow those of the pieces. They are in Meta's code, not in the tokenizer's file.</summary>
internal static class Llama3SpecialTokens
{
    public const string BeginOfText = "<|begin_of_text|>";

    public const string EndOfText = "<|end_of_text|>";

    /// <summary>The tokens of a version, in the order of their ids.</summary>
    public static IReadOnlyList<string> Of(LlamaVersion version) => version == LlamaVersion.Llama3
        ?
        [
            BeginOfText, EndOfText, Reserved(0), Reserved(1), Reserved(2), Reserved(3), "<|start_header_id|>", "<|end_header_id|>", Reserved(4), "<|eot_id|>",
            .. Enumerable.Range(5, 246).Select(Reserved),
        ]
        :
        [
            BeginOfText, EndOfText, Reserved(0), Reserved(1), "<|finetune_right_pad_id|>", Reserved(2), "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>",
            "<|python_tag|>", .. Enumerable.Range(3, 245).Select(Reserved),
        ];

    private static string Reserved(int number) => $"<|reserved_special_token_{number}|>";
}
