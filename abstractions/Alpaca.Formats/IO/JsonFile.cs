using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Reads and writes the JSON files of model folders in Python's customary form: two spaces, sorted keys, a line feed at the end.</summary>
internal static class JsonFile
{
    // Configuration files are a few KB, the weight map of the largest model a few hundred; more is not one of these files. A document takes up to 64 bytes for each.
    private const long MaxLength = 16 << 20;

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        IndentSize = 2,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Reads a file that holds one JSON object without repeated keys.</summary>
    /// <exception cref="AlpacaException">The file is missing, too large, or not such an object; names the file.</exception>
    public static JsonObject ReadObject(string path)
    {
        byte[] bytes;
        using (var file = new ReadOnlyFile(path))
        {
            if (file.Length > MaxLength)
            {
                throw new AlpacaException($"{path} is {file.Length} bytes long, too much for a configuration file; check that it is the right file.");
            }

            bytes = new byte[file.Length];
            file.ReadExactly(0, bytes);
        }

        try
        {
            ThrowIfNotText(bytes);
            return JsonNode.Parse(bytes, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject
                ?? throw new AlpacaException($"{path} is not a JSON object; check that it is the right file.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new AlpacaException($"{path} is not valid JSON ({Printable.Of(e.Message, most: 300)}).", e);
        }
    }

    // The document decodes a text when it is asked for, and one that is no UTF-8 or holds half of a surrogate pair would be an error there, anywhere.
    private static void ThrowIfNotText(byte[] bytes)
    {
        if (!Utf8.IsValid(bytes))
        {
            throw new JsonException("it is not UTF-8");
        }

        var reader = new Utf8JsonReader(bytes);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String && reader.ValueIsEscaped)
            {
                reader.GetString();
            }
        }
    }

    /// <summary>Writes an object, keys sorted.</summary>
    public static void WriteObject(string path, JsonObject value)
    {
        try
        {
            File.WriteAllText(path, Sorted(value).ToJsonString(Indented) + "\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{path} cannot be written ({e.Message}).", e);
        }
    }

    private static JsonObject Sorted(JsonObject value) =>
        new(value.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, p.Value is JsonObject inner ? Sorted(inner) : p.Value?.DeepClone())));
}
