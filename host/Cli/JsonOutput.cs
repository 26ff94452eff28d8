using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Alpaca.Host;

/// <summary>How results are written as JSON: camelCase, Chinese as it is, enumerations by name.</summary>
internal static class JsonOutput
{
    private static readonly JsonSerializerOptions Options = Create();

    /// <summary>Writes a document on a line of its own.</summary>
    public static void Write(TextWriter writer, object document) => writer.WriteLine(Serialize(document));

    /// <summary>The document as text.</summary>
    public static string Serialize(object document) => JsonSerializer.Serialize(document, Options);

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        };
        options.Converters.Add(new JsonStringEnumConverter());
        return options;
    }
}
