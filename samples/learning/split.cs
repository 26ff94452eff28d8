// dotnet run split.cs DATA.json FOLDER: the first 400 rows to train on and the others to validate on, both as instructions and as plain text, a paragraph for each row.
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

var rows = JsonNode.Parse(File.ReadAllText(args[0]))!.AsArray().Select(row => row!.AsObject()).ToArray();
Directory.CreateDirectory(args[1]);
Write("train", rows[..400]);
Write("validation", rows[400..]);

void Write(string name, JsonObject[] part)
{
    var readable = new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true };
    using (var file = File.Create(Path.Combine(args[1], name + ".json")))
    using (var json = new Utf8JsonWriter(file, readable)) new JsonArray([.. part.Select(row => row.DeepClone())]).WriteTo(json);
    File.WriteAllLines(Path.Combine(args[1], name + ".txt"), part.Select(row => string.Join('\n', Lines(row)) + "\n"));
}

static IEnumerable<string> Lines(JsonObject row)
    => new[] { "instruction", "input", "output" }.SelectMany(key => ((string?)row[key] ?? "").Split('\n')).Where(line => !string.IsNullOrWhiteSpace(line));
