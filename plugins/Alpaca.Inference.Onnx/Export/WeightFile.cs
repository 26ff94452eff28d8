using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>Writes the data file of a model as little-endian float32, one block of rows at a time: memory does not grow with the model.</summary>
internal sealed class WeightFile(ITensorSource source, IProgressTask progress)
{
    // 64 MiB: large enough that a transposed block reads long runs of each source row, small beside any model.
    private const int BlockElements = 16 << 20;

    /// <summary>Writes all weights where the layout places them.</summary>
    /// <exception cref="AlpacaException">The disk is full, or a tensor of the model cannot be read.</exception>
    public void Write(string path, ExternalDataLayout layout, CancellationToken cancellationToken)
    {
        try
        {
            // Reserving the room first finds a full disk before the work.
            using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, preallocationSize: layout.Length);
            RandomAccess.SetLength(file, layout.Length);
            var buffer = GC.AllocateUninitializedArray<float>(BufferElements(layout.Weights));
            for (var i = 0; i < layout.Weights.Count; i++)
            {
                var location = layout.Tensors[i].Location!;
                var written = 0L;
                foreach (var block in Blocks(layout.Weights[i], buffer))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var bytes = MemoryMarshal.AsBytes(block.Span);
                    RandomAccess.Write(file, bytes, location.Offset + written);
                    written += bytes.Length;
                    progress.Report(location.Offset + written);
                }
            }
        }
        catch (AggregateException e) when (e.InnerException is AlpacaException cause)
        {
            ExceptionDispatchInfo.Throw(cause); // a worker thread found the model's files damaged
        }
        catch (IOException e)
        {
            throw new AlpacaException($"{path} cannot be written ({e.Message}); it takes {layout.Length / 1_000_000} MB, free as much on that disk and run again.", e);
        }
    }

    /// <summary>The data of a weight in order, as whole rows of its last dimension. Each block is overwritten by the next.</summary>
    private IEnumerable<ReadOnlyMemory<float>> Blocks(GraphWeight weight, float[] buffer)
    {
        var columns = (int)weight.Shape[^1];
        var rows = weight.ElementCount / columns;
        var rowsPerBlock = buffer.Length / columns;
        for (long row = 0; row < rows; row += rowsPerBlock)
        {
            var count = (int)Math.Min(rowsPerBlock, rows - row);
            Fill(weight, row, count, columns, buffer);
            yield return buffer.AsMemory(0, count * columns);
        }
    }

    private void Fill(GraphWeight weight, long firstRow, int rows, int columns, float[] block)
    {
        switch (weight)
        {
            case GraphWeight.Copy copy: new RowCopy(source, Find(copy.Source)).Fill(firstRow, rows, columns, block); break;
            case GraphWeight.Transpose transpose: new MatrixTranspose(source, Find(transpose.Source)).Fill(firstRow, rows, columns, block); break;
            case GraphWeight.Table table:
                for (var row = 0; row < rows; row++) table.Row((int)firstRow + row, block.AsSpan(row * columns, columns));
                break;
            default: throw new ArgumentOutOfRangeException(nameof(weight), weight, null);
        }
    }

    /// <summary>A block, but no more than the largest weight and no less than one row of any.</summary>
    private static int BufferElements(IReadOnlyList<GraphWeight> weights) => Math.Max(
        (int)Math.Min(BlockElements, weights.Max(w => w.ElementCount)), checked((int)weights.Max(w => w.Shape[^1])));

    private TensorInfo Find(string name) => source.Find(name) ?? throw new AlpacaException($"The model has no tensor {name}; convert or merge it again.");
}
