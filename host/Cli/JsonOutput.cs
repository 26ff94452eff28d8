using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Alpaca.Host;

/// <summary>How results are written as JSON: camelCase, Chinese as it is, enumerations by name.</summary>
internal static class JsonOutput
{
    private static readonly JsonSerializerOptions Compact = Create(indented: false);
    private static readonly JsonSerializerOptions Indented = Create(indented: true);

    /// <summary>Writes a document.</summary>
    public static void Write(TextWriter writer, object document) => writer.WriteLine(JsonSerializer.Serialize(document, Indented));

    /// <summary>Writes a document on a line of its own.</summary>
    public static void WriteLine(TextWriter writer, object document) => writer.WriteLine(JsonSerializer.Serialize(document, Compact));

    private static JsonSerializerOptions Create(bool indented)
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            WriteIndented = indented,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        };
        options.Converters.Add(new JsonStringEnumConverter());
        return options;
    }
}
