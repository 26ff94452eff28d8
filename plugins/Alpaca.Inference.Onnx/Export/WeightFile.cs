using System.Runtime.ExceptionServices;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.Win32.SafeHandles;

namespace Alpaca.Inference.Onnx;

/// <summary>Writes the data file of a model, one block of rows at a time: memory does not grow with the model.</summary>
internal sealed class WeightFile(ITensorSource source, IProgressTask progress)
{
    // 64 MiB: large enough that a transposed block reads long runs of each source row, small beside any model.
    private const int BlockElements = 16 << 20;

    private readonly WeightEncoder _encoder = new();
    private long _written;

    /// <summary>Writes all weights where the layout places them.</summary>
    /// <exception cref="AlpacaException">The disk is full, a tensor of the model cannot be read, or it holds numbers that the stored type has not.</exception>
    public void Write(string path, ExternalDataLayout layout, CancellationToken cancellationToken)
    {
        try
        {
            // Reserving the room first finds a full disk before the work.
            using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, preallocationSize: layout.Length);
            RandomAccess.SetLength(file, layout.Length);
            var buffer = GC.AllocateUninitializedArray<float>(BufferElements(layout.Weights));
            var first = 0;
            foreach (var weight in layout.Weights)
            {
                var offsets = layout.Tensors.Skip(first).Take(weight.Parts.Count).Select(tensor => tensor.Location!.Offset).ToArray();
                Write(file, weight, offsets, buffer, cancellationToken);
                first += weight.Parts.Count;
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

    /// <summary>Makes a weight in blocks of whole rows; each block is overwritten by the next.</summary>
    private void Write(SafeFileHandle file, GraphWeight weight, long[] offsets, float[] buffer, CancellationToken cancellationToken)
    {
        var rowsPerBlock = buffer.Length / weight.Columns;
        for (long row = 0; row < weight.Rows; row += rowsPerBlock)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = (int)Math.Min(rowsPerBlock, weight.Rows - row);
            Fill(weight, row, count, buffer);
            _encoder.Encode(weight, buffer.AsMemory(0, count * weight.Columns), count, (part, bytes) =>
            {
                RandomAccess.Write(file, bytes, offsets[part] + (row * (bytes.Length / count)));
                progress.Report(_written += bytes.Length);
            });
        }
    }

    private void Fill(GraphWeight weight, long firstRow, int rows, float[] block)
    {
        switch (weight)
        {
            case GraphWeight.Copy copy: new RowCopy(source, Find(copy.Source)).Fill(firstRow, rows, weight.Columns, block); break;
            case GraphWeight.Quantized matrix: new RowCopy(source, Find(matrix.Source)).Fill(firstRow, rows, weight.Columns, block); break;
            case GraphWeight.Transpose transpose: new MatrixTranspose(source, Find(transpose.Source)).Fill(firstRow, rows, weight.Columns, block); break;
            case GraphWeight.Table table:
                for (var row = 0; row < rows; row++) table.Row((int)firstRow + row, block.AsSpan(row * weight.Columns, weight.Columns));
                break;
            default: throw new ArgumentOutOfRangeException(nameof(weight), weight, null);
        }
    }

    /// <summary>A block, but no more than the largest weight and no less than one row of any.</summary>
    private static int BufferElements(IReadOnlyList<GraphWeight> weights) => Math.Max(
        (int)Math.Min(BlockElements, weights.Max(w => w.Rows * w.Columns)), weights.Max(w => w.Columns));

    private TensorInfo Find(string name) => source.Find(name) ?? throw new AlpacaException($"The model has no tensor {name}; convert or merge it again.");
}
