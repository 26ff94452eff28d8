using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Opens whatever holds tensors.</summary>
public static class TensorSource
{
    // What a folder may hold, most wanted first.
    private static readonly string[] FolderContents =
    [
        "model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json", "pytorch_model.bin",
        "adapter_model.safetensors", "adapter_model.bin", "consolidated.safetensors", "model.onnx",
    ];

    /// <summary>
    /// Opens a <c>.safetensors</c>, <c>.pth</c>, <c>.pt</c>, <c>.bin</c> or <c>.onnx</c> file, an index, or a folder: a Hugging Face model in one file or several, an adapter, an exported model, or an original
    /// checkpoint in one shard or several, which is read as whole tensors under Hugging Face's names (<see cref="MetaModel"/>).
    /// </summary>
    /// <param name="path">The file or folder. Files other than <c>.onnx</c> are told apart by their content, not by their name.</param>
    /// <returns>The tensors; nothing but the headers has been read.</returns>
    /// <exception cref="AlpacaException">There are no tensors there, or the file is damaged; names the file.</exception>
    public static ITensorSource Open(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        if (!Directory.Exists(path))
        {
            return path.EndsWith(".index.json", StringComparison.Ordinal) ? CombinedTensorSource.OpenIndex(path) : OpenFile(path);
        }

        if (Array.Find(FolderContents, name => File.Exists(Path.Combine(path, name))) is { } found)
        {
            return Open(Path.Combine(path, found));
        }

        var shards = Directory.GetFiles(path, "consolidated.*.pth");
        if (shards.Length > 0 && File.Exists(Path.Combine(path, MetaParameters.FileName)))
        {
            return MetaModel.Open(path);
        }

        return shards.Length switch
        {
            0 => throw new AlpacaException($"{path} holds no weights (looked for {string.Join(", ", FolderContents)}, consolidated.00.pth); check the path."),
            1 => OpenFile(shards[0]),
            _ => throw new AlpacaException($"{path} holds {shards.Length} shards of an original checkpoint without their {MetaParameters.FileName}, which tells how they fit together; put it beside them, or name one shard."),
        };
    }

    /// <summary>Opens one file by its content.</summary>
    internal static ITensorSource OpenFile(string path)
    {
        if (Directory.Exists(path))
        {
            throw new AlpacaException($"{path} is a folder, expected a file.");
        }

        // A protobuf message has no signature.
        if (path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase))
        {
            return OnnxTensorSource.Open(path);
        }

        Span<byte> head = stackalloc byte[16];
        head.Clear();
        using (var file = new ReadOnlyFile(path))
        {
            if (file.Length == 0)
            {
                throw new AlpacaException($"{path} is empty; get it again.");
            }

            file.ReadExactly(0, head[..(int)Math.Min(file.Length, head.Length)]);
        }

        if (head.StartsWith("PK\u0003\u0004"u8))
        {
            return PthFile.Open(path);
        }

        if (head.StartsWith(LegacyPthFile.Signature))
        {
            return LegacyPthFile.Open(path);
        }

        if (head.StartsWith("version https://"u8))
        {
            throw new AlpacaException($"{path} is a Git LFS pointer, not the weights; run `git lfs pull` where it came from.");
        }

        // safetensors has no signature: eight bytes of header length, then the JSON header's brace.
        if (head[8] == (byte)'{' || path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            return SafetensorsFile.Open(path);
        }

        throw new AlpacaException($"{path} is neither a safetensors file nor a PyTorch checkpoint; it may be cut short or something else under that name.");
    }
}
