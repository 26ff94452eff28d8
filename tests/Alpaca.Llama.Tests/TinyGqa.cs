using System.Text.Json;

namespace Alpaca.TestSupport;

/// <summary>A random LLaMA with grouped-query attention, base 500000 and 400 tokens, and what PyTorch computes with it (Fixtures/make_fixtures.py).</summary>
internal sealed record TinyGqa(int[] PromptIds, float[] LastLogits, int Argmax, double L2, int[] Greedy, TinyGqa.EvaluationFigures Evaluation, float[] Llama3Frequencies)
{
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Fixtures", "tiny-gqa");

    public static TinyGqa Expected { get; } =
        JsonSerializer.Deserialize<TinyGqa>(File.ReadAllText(Path.Combine(Folder, "expected.json")), JsonSerializerOptions.Web)!;

    public sealed record EvaluationFigures(int MaxSeqLength, double EvalLoss, double TokenAccuracy, int Tokens);
}
