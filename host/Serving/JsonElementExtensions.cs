using System.Text.Json;

namespace Alpaca.Host;

/// <summary>What <see cref="JsonElement"/> lacks.</summary>
internal static class JsonElementExtensions
{
    /// <summary>Whether it is that string; unlike <see cref="JsonElement.ValueEquals(string)"/>, of anything else it is <see langword="false"/>.</summary>
    public static bool ValueEqualsText(this JsonElement element, string text) => element.ValueKind == JsonValueKind.String && element.ValueEquals(text);
}
