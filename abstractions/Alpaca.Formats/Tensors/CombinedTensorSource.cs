using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>A checkpoint in several files whose tensors are whole.</summary>
internal sealed class CombinedTensorSource : ITensorSource
{
    private readonly IReadOnlyList<ITensorSource> _files;
    private readonly Dictionary<string, ITensorSource> _owners = new(StringComparer.Ordinal);
    private readonly List<TensorInfo> _tensors = [];

    private CombinedTensorSource(IReadOnlyList<ITensorSource> files) => _files = files;

    public IReadOnlyList<TensorInfo> Tensors => _tensors;

    /// <summary>Opens the files that an index names and holds the index against them.</summary>
    /// <param name="indexPath">The <c>*.index.json</c>.</param>
    /// <exception cref="AlpacaException">The index is malformed, or it and the files do not agree.</exception>
    public static CombinedTensorSource OpenIndex(string indexPath)
    {
        var weightMap = ShardIndex.ReadWeightMap(indexPath);
        var folder = Path.GetDirectoryName(Path.GetFullPath(indexPath))!;
        var fileNames = weightMap.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        var missing = fileNames.Where(name => !File.Exists(Path.Combine(folder, name))).Select(name => Printable.Of(name)).ToList();
        if (missing.Count > 0)
        {
            throw new AlpacaException($"{indexPath} names {Listing.Of(missing)}, which {(missing.Count == 1 ? "is" : "are")} not in the folder; get the missing shards again.");
        }

        var files = new List<ITensorSource>(fileNames.Count);
        var combined = new CombinedTensorSource(files);
        try
        {
            foreach (var name in fileNames)
            {
                var file = TensorSource.OpenFile(Path.Combine(folder, name));
                files.Add(file);
                foreach (var tensor in file.Tensors)
                {
                    // A tensor that the index gives to another file is not part of the model, as for every other reader of the format.
                    if (weightMap.TryGetValue(tensor.Name, out var owner) && owner == name)
                    {
                        combined._owners.Add(tensor.Name, file);
                        combined._tensors.Add(tensor);
                    }
                }
            }

            var absent = weightMap.Where(entry => !combined._owners.ContainsKey(entry.Key)).Select(entry => $"{Printable.Of(entry.Key)} in {Printable.Of(entry.Value)}").ToList();
            return absent.Count == 0
                ? combined
                : throw new AlpacaException($"{indexPath} promises tensors that the files do not hold: {Listing.Of(absent)}; index and files are of different models.");
        }
        catch
        {
            combined.Dispose();
            throw;
        }
    }

    public TensorInfo? Find(string name) => _owners.GetValueOrDefault(name)?.Find(name);

    public void Read(TensorInfo tensor, long byteOffset, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!_owners.TryGetValue(tensor.Name, out var file))
        {
            throw new ArgumentException($"There is no tensor {tensor.Name}.", nameof(tensor));
        }

        file.Read(tensor, byteOffset, destination);
    }

    public void Dispose()
    {
        foreach (var file in _files)
        {
            file.Dispose();
        }
    }
}
