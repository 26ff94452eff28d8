using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Alpaca.Host;

/// <summary>The numbers of an embedding.</summary>
/// <param name="Values">[hidden size].</param>
/// <param name="IsBase64">Whether they are written as bytes (little-endian 32-bit floats) in base64 instead of an array.</param>
[JsonConverter(typeof(EmbeddingVectorConverter))]
internal sealed record EmbeddingVector(float[] Values, bool IsBase64);

/// <summary>Writes embeddings.</summary>
internal sealed class EmbeddingVectorConverter : JsonConverter<EmbeddingVector>
{
    public override EmbeddingVector Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException("Embeddings are only written.");

    public override void Write(Utf8JsonWriter writer, EmbeddingVector value, JsonSerializerOptions options)
    {
        if (value.IsBase64)
        {
            // Every platform that .NET runs on here is little-endian.
            writer.WriteBase64StringValue(MemoryMarshal.AsBytes<float>(value.Values));
            return;
        }

        writer.WriteStartArray();
        foreach (var number in value.Values) writer.WriteNumberValue(number);
        writer.WriteEndArray();
    }
}
