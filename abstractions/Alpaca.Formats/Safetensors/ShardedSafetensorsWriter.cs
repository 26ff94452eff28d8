using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Writes a model folder's safetensors: <c>model.safetensors</c>, or <c>model-0000i-of-0000n.safetensors</c> and an index when it is larger than a shard.</summary>
public sealed class ShardedSafetensorsWriter : ITensorWriter
{
    /// <summary>The default size of a shard: 5 GB, transformers' default.</summary>
    public const long DefaultMaxShardBytes = 5_000_000_000;

    private const string IndexName = "model.safetensors.index.json";

    private readonly string _folder;
    private readonly List<string> _fileNames = [];
    private readonly List<SafetensorsWriter> _writers = [];
    private readonly Dictionary<string, int> _shardOf = new(StringComparer.Ordinal);

    /// <summary>Creates the files and reserves their room on the disk.</summary>
    /// <param name="folder">The model folder; it exists.</param>
    /// <param name="tensors">What will be written. A new shard begins where the next tensor would exceed the limit.</param>
    /// <param name="maxShardBytes">The most tensor data in a file that holds more than one tensor. The default is <see cref="DefaultMaxShardBytes"/>.</param>
    /// <exception cref="AlpacaException">A file cannot be created or the disk is too full.</exception>
    public ShardedSafetensorsWriter(string folder, IReadOnlyList<TensorInfo> tensors, long maxShardBytes = DefaultMaxShardBytes)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxShardBytes, 1);
        _folder = folder;
        Tensors = tensors;
        var shards = Split(tensors, maxShardBytes);
        try
        {
            for (var i = 0; i < shards.Count; i++)
            {
                _fileNames.Add(shards.Count == 1 ? "model.safetensors" : $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors");
                _writers.Add(new SafetensorsWriter(Path.Combine(folder, _fileNames[i]), shards[i]));
                foreach (var tensor in shards[i])
                {
                    if (!_shardOf.TryAdd(tensor.Name, i))
                    {
                        throw new ArgumentException($"The tensor {tensor.Name} is listed twice.", nameof(tensors));
                    }
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>The names of the safetensors files, in order.</summary>
    public IReadOnlyList<string> FileNames => _fileNames;

    /// <inheritdoc />
    public void Write(string name, long byteOffset, ReadOnlySpan<byte> data) => WriterOf(name).Write(name, byteOffset, data);

    /// <inheritdoc />
    public void Read(string name, long byteOffset, Span<byte> destination) => WriterOf(name).Read(name, byteOffset, destination);

    /// <inheritdoc />
    public void Complete()
    {
        foreach (var writer in _writers)
        {
            writer.ThrowIfIncomplete();
        }

        foreach (var writer in _writers)
        {
            writer.Complete();
        }

        if (_writers.Count > 1)
        {
            ShardIndex.Write(
                Path.Combine(_folder, IndexName), Tensors.Sum(t => t.ByteLength), Tensors.Select(t => KeyValuePair.Create(t.Name, _fileNames[_shardOf[t.Name]])));
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var writer in _writers)
        {
            writer.Dispose();
        }
    }

    private SafetensorsWriter WriterOf(string name) =>
        _shardOf.TryGetValue(name, out var shard) ? _writers[shard] : throw new ArgumentException($"The tensor {name} was not announced.", nameof(name));

    private static List<List<TensorInfo>> Split(IReadOnlyList<TensorInfo> tensors, long maxShardBytes)
    {
        List<List<TensorInfo>> shards = [[]];
        long size = 0;
        foreach (var tensor in tensors)
        {
            if (shards[^1].Count > 0 && size + tensor.ByteLength > maxShardBytes)
            {
                shards.Add([]);
                size = 0;
            }

            shards[^1].Add(tensor);
            size += tensor.ByteLength;
        }

        return shards;
    }
}
