using System.Text.Json;

namespace Alpaca.Training.Tests;

/// <summary>Reads a <c>train_log.jsonl</c>.</summary>
internal static class LogLines
{
    public static IReadOnlyList<Dictionary<string, double>> Read(string folder)
        => [.. File.ReadLines(Path.Combine(folder, "train_log.jsonl")).Select(line => JsonSerializer.Deserialize<Dictionary<string, double>>(line)!)];

    public static IReadOnlyList<Dictionary<string, double>> Steps(string folder) => [.. Read(folder).Where(line => line.ContainsKey("loss"))];

    public static IReadOnlyList<Dictionary<string, double>> Validations(string folder) => [.. Read(folder).Where(line => line.ContainsKey("evalLoss"))];
}
