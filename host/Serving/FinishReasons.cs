namespace Alpaca.Host;

/// <summary>The words for why an answer ended.</summary>
internal static class FinishReasons
{
    public static string NameOf(Answer answer) => answer.FinishReason == FinishReason.Length ? "length" : "stop";
}
