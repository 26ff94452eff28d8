using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>Passes once over the weights of a model and writes the merged ones.</summary>
internal sealed class MergePass
{
    private readonly MergePlan _plan;
    private readonly ITensorWriter _writer;
    private readonly Func<TensorInfo, int> _blockRows;
    private readonly RowPipeline _pipeline;
    private readonly RowPipeline _secondReading;

    /// <param name="plan">What becomes of each tensor.</param>
    /// <param name="writer">Where the tensors go.</param>
    /// <param name="blockRows">How many rows of a tensor the writer wants together.</param>
    /// <param name="progress">Told the bytes written so far.</param>
    /// <param name="cancellationToken">Looked at between chunks.</param>
    public MergePass(MergePlan plan, ITensorWriter writer, Func<TensorInfo, int> blockRows, IProgressTask progress, CancellationToken cancellationToken)
    {
        _plan = plan;
        _writer = writer;
        _blockRows = blockRows;
        _pipeline = new RowPipeline(progress, cancellationToken);
        _secondReading = new RowPipeline(NullProgress.Instance, cancellationToken);
    }

    /// <summary>Writes all tensors.</summary>
    public void Write() => _pipeline.Run(_plan.Tensors.Select(tensor => TaskFor(tensor, chunk => Write(tensor, chunk, origin: null))));

    /// <summary>Writes all tensors and meanwhile runs a prompt through both models, the merged one and its base with the adapters beside it.</summary>
    /// <remarks>
    /// Rows of the base are read once, for the merge and for the products of the probe. Those of the merged model are read back from the file right after they were written, from
    /// the machine's file cache: what is verified is what lies there.
    /// </remarks>
    /// <param name="verification">The two models; told the products.</param>
    public void WriteAndVerify(MergeVerification verification)
    {
        var tensors = _plan.Tensors.ToDictionary(t => t.Info.Name, StringComparer.Ordinal);
        var written = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (unmerged, merged) in verification.Steps())
        {
            // The embedding comes up again as the output layer when they are tied.
            var isNew = unmerged.Names.All(written.Add);
            (isNew ? _pipeline : _secondReading).Run(unmerged.Names.Select((name, i) => TaskFor(tensors[name], chunk =>
            {
                var origin = unmerged.Input is null ? null : Multiplier(unmerged, i);
                if (isNew)
                {
                    Write(tensors[name], chunk, origin);
                }
                else
                {
                    ReadOrigin(tensors[name], chunk, origin!);
                }

                if (merged.Input is not null)
                {
                    ReadBack(tensors[name], chunk, Multiplier(merged, i));
                }
            })));
        }
    }

    private static RowObserver Multiplier(DecoderStep step, int index) =>
        (firstRow, rows) => RowProducts.Multiply(rows, step.Input!, step.Outputs[index], (int)firstRow);

    private RowTask TaskFor(MergedTensor tensor, Action<RowChunk> process) => RowTask.For(tensor.Info, _blockRows(tensor.Info), process);

    private void Write(MergedTensor tensor, RowChunk chunk, RowObserver? origin)
    {
        var rows = chunk.Scratch.Get<byte>(ScratchSlot.Rows, chunk.Rows * tensor.RowBytes);
        tensor.MakeRows(chunk, rows, origin);
        _writer.Write(tensor.Info.Name, chunk.FirstRow * tensor.RowBytes, rows);
    }

    private static void ReadOrigin(MergedTensor tensor, RowChunk chunk, RowObserver observer)
    {
        foreach (var (firstRow, count) in RowBlocks.Of(chunk, tensor.Columns))
        {
            var values = chunk.Scratch.Get<float>(ScratchSlot.Values, count * tensor.Columns);
            tensor.ReadOrigin(firstRow, values);
            observer(firstRow, values);
        }
    }

    private void ReadBack(MergedTensor tensor, RowChunk chunk, RowObserver observer)
    {
        var rows = chunk.Scratch.Get<byte>(ScratchSlot.Rows, chunk.Rows * tensor.RowBytes);
        _writer.Read(tensor.Info.Name, chunk.FirstRow * tensor.RowBytes, rows);
        foreach (var (firstRow, count) in RowBlocks.Of(chunk, tensor.Columns))
        {
            var values = chunk.Scratch.Get<float>(ScratchSlot.Values, count * tensor.Columns);
            TensorConversion.ToFloat32(tensor.Info.DType, rows.Slice((int)(firstRow - chunk.FirstRow) * tensor.RowBytes, count * tensor.RowBytes), values);
            observer(firstRow, values);
        }
    }
}
