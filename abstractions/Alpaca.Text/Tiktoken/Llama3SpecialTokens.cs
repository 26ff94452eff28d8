namespace Alpaca.Text;

/// <summary>The 256 special tokens of Llama 3, whose ids follow those of the pieces. They are in Meta's code, not in the tokenizer's file.</summary>
public static class Llama3SpecialTokens
{
    /// <summary>Begins a sequence.</summary>
    public const string BeginOfText = "<|begin_of_text|>";

    /// <summary>Ends a sequence.</summary>
    public const string EndOfText = "<|end_of_text|>";

    /// <summary>Those of Llama 3, in the order of their ids.</summary>
    public static IReadOnlyList<string> Llama3 { get; } =
    [
        BeginOfText, EndOfText, Reserved(0), Reserved(1), Reserved(2), Reserved(3), "<|start_header_id|>", "<|end_header_id|>", Reserved(4), "<|eot_id|>",
        .. Enumerable.Range(5, 246).Select(Reserved),
    ];

    /// <summary>Those of Llama 3.1 and later, in the order of their ids: some that were reserved have names.</summary>
    public static IReadOnlyList<string> Llama31 { get; } =
    [
        BeginOfText, EndOfText, Reserved(0), Reserved(1), "<|finetune_right_pad_id|>", Reserved(2), "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>",
        "<|python_tag|>", .. Enumerable.Range(3, 245).Select(Reserved),
    ];

    private static string Reserved(int number) => $"<|reserved_special_token_{number}|>";
}
