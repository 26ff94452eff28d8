using System.Text.Json;

namespace Alpaca.Host;

/// <summary>What <c>/v1/embeddings</c> is asked.</summary>
/// <param name="Model">The model's name; <see langword="null"/> for the first.</param>
/// <param name="Inputs">What the vectors are to stand for.</param>
/// <param name="IsBase64">Whether they are written in base64.</param>
/// <param name="Dimensions">How many numbers they are said to have.</param>
internal sealed record EmbeddingRequest(string? Model, IReadOnlyList<TextInput> Inputs, bool IsBase64, int? Dimensions)
{
    private const int MaxInputs = 2048;

    /// <summary>Reads it.</summary>
    /// <exception cref="ApiException">Something is wrong with it; everything is named.</exception>
    public static EmbeddingRequest Read(JsonElement body)
    {
        var fields = new RequestFields(body);
        var inputs = TextInput.Read(fields, "input", MaxInputs);
        var format = fields.Text("encoding_format");
        if (format is not (null or "float" or "base64")) fields.Add("encoding_format", "must be float or base64.");
        var request = new EmbeddingRequest(fields.Text("model"), inputs, format == "base64", fields.Integer("dimensions", 1));
        fields.ThrowIfAny();
        return request;
    }
}
