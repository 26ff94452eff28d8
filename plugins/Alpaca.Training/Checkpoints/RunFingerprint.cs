using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Training;

/// <summary>What a checkpoint must agree with to be gone on from, by name: every option that bears on what is trained, and digests of weights and samples.</summary>
/// <remarks>Options marked <see cref="ResultNeutralAttribute"/> (what is logged, when and how many checkpoints are written) may change between attempts.</remarks>
internal sealed class RunFingerprint
{
    // Raised when the meaning of a checkpoint changes.
    private const string Version = "2";

    private readonly SortedDictionary<string, string> _parts;

    /// <param name="parts">Values by name.</param>
    public RunFingerprint(IEnumerable<KeyValuePair<string, string>> parts) => _parts = new(parts.ToDictionary(), StringComparer.Ordinal);

    /// <summary>Values by name, in order.</summary>
    public IReadOnlyDictionary<string, string> Parts => _parts;

    /// <summary>Describes a run.</summary>
    /// <param name="request">All options.</param>
    /// <param name="data">The encoded samples.</param>
    public static RunFingerprint Of(TrainingRequest request, TrainingData data)
    {
        var parts = OptionsOf(request);
        parts["version of the checkpoint format"] = Version;
        foreach (var (name, path) in new[] { ("base model's files", request.ModelNameOrPath), ("adapter's files", request.PeftPath), ("LoraInit's file", request.LoraInit) })
            if (path is not null) parts[name] = FilesAt(path);
        parts["training samples"] = DigestOf(data.Training);
        parts["validation samples"] = DigestOf(data.Validation);
        return new RunFingerprint(parts);
    }

    /// <summary>The options that bear on what is trained, as text by name.</summary>
    public static Dictionary<string, string> OptionsOf(TrainingRequest request) => request.GetType().GetProperties()
        .Where(option => option.CanWrite && option.GetCustomAttribute<ResultNeutralAttribute>() is null)
        .OrderBy(option => option.Name, StringComparer.Ordinal)
        .ToDictionary(option => option.Name, option => Text(option.GetValue(request)));

    /// <summary>The names whose values differ, with both values where they are short enough to be read.</summary>
    /// <param name="other">What a checkpoint was written with.</param>
    public IReadOnlyList<string> DifferencesFrom(RunFingerprint other)
    {
        return [.. _parts.Keys.Union(other._parts.Keys).Order(StringComparer.Ordinal).Where(name => ValueOf(this, name) != ValueOf(other, name)).Select(Describe)];

        static string? ValueOf(RunFingerprint fingerprint, string name) => fingerprint._parts.GetValueOrDefault(name);

        string Describe(string name)
        {
            var isOption = !name.Contains(' ', StringComparison.Ordinal);
            return isOption ? $"{name} was {ValueOf(other, name) ?? "unknown"} and is {ValueOf(this, name) ?? "unknown"}" : $"the {name} changed";
        }
    }

    private static string Text(object? value) => value switch
    {
        null => "none",
        string text => text,
        IEnumerable list => string.Join(',', list.Cast<object>().Select(Text)),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static string FilesAt(string path)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var files = Directory.Exists(path) ? Directory.GetFiles(path).Order(StringComparer.Ordinal).ToArray() : [path];
        foreach (var file in files.Select(f => new FileInfo(f)))
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{file.Name}/{file.Length}/{file.LastWriteTimeUtc.Ticks}\n")));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string DigestOf(IReadOnlyList<TrainingRow> rows)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(rows.Count);
        foreach (var row in rows)
        {
            Append(row.Sample.InputIds.Length);
            hash.AppendData(MemoryMarshal.AsBytes(row.Sample.InputIds.AsSpan()));
            hash.AppendData(MemoryMarshal.AsBytes(row.Sample.Labels.AsSpan()));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(int number) => hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{number}\n")));
    }
}
