using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>A tensor of the result: the base's with the steps of all adapters, made row by row.</summary>
internal sealed class MergedTensor
{
    private readonly List<MergeStep> _steps = [];
    private int _isChanged;

    public MergedTensor(ITensorSource source, TensorInfo info)
    {
        Base = source;
        BaseInfo = info;
        Info = info;
    }

    /// <summary>Where the base's tensor is.</summary>
    public ITensorSource Base { get; }

    /// <summary>The base's tensor.</summary>
    public TensorInfo BaseInfo { get; }

    /// <summary>Name, type and shape of the result; the type is the base's.</summary>
    public TensorInfo Info { get; private set; }

    public IReadOnlyList<MergeStep> Steps => _steps;

    /// <summary>Whether anything written so far differs from the base.</summary>
    public bool IsChanged => _isChanged != 0;

    /// <summary>Elements of a row; 1 for a vector.</summary>
    public int Columns => Info.Shape.Count == 2 ? (int)Info.Shape[1] : 1;

    public int RowBytes => Columns * Info.DType.Size();

    public void Add(MergeStep step)
    {
        if (step is ReplaceStep replace)
        {
            // What came before is overwritten: it need not be computed.
            _steps.Clear();
            Info = Info with { Shape = replace.Tensor.Shape };
        }

        _steps.Add(step);
    }

    /// <summary>Makes some rows of the result. After each adapter the rows are rounded to the base's type, as if it had been merged and saved by itself.</summary>
    public void ReadRows(RowChunk chunk, Span<byte> destination)
    {
        if (_steps.Count == 0)
        {
            Base.Read(BaseInfo, chunk.FirstRow * RowBytes, destination);
            return;
        }

        foreach (var (step, index) in _steps.Select((step, index) => (step, index)))
        {
            switch (step)
            {
                case ReplaceStep replace:
                    Replace(replace, chunk, destination);
                    break;
                case AddLoraStep add:
                    if (index == 0)
                    {
                        Base.Read(BaseInfo, chunk.FirstRow * RowBytes, destination);
                    }

                    AddLora(add, index, chunk, destination);
                    break;
            }
        }

        NoteChange(chunk, destination);
    }

    private void Replace(ReplaceStep step, RowChunk chunk, Span<byte> destination)
    {
        if (step.Tensor.DType == Info.DType)
        {
            step.Source.Read(step.Tensor, chunk.FirstRow * RowBytes, destination);
            return;
        }

        var values = chunk.Scratch.Get<float>(ScratchSlot.Weight, chunk.Rows * Columns);
        step.Source.ReadAsFloat32(step.Tensor, chunk.FirstRow * Columns, values);
        TensorConversion.FromFloat32(Info.DType, values, destination);
    }

    private void AddLora(AddLoraStep step, int index, RowChunk chunk, Span<byte> destination)
    {
        var weight = chunk.Scratch.Get<float>(ScratchSlot.Weight, chunk.Rows * Columns);
        TensorConversion.ToFloat32(Info.DType, destination, weight);
        var a = chunk.Scratch.Keep(index, step, () => step.Source.ReadAsFloat32(step.Pair.A));
        var b = chunk.Scratch.Get<float>(ScratchSlot.LoraB, chunk.Rows * step.Rank);
        step.Source.ReadAsFloat32(step.Pair.B, chunk.FirstRow * step.Rank, b);
        LoraKernel.Add(weight, a, b, chunk.Rows, Columns, step.Rank, step.Scaling);
        TensorConversion.FromFloat32(Info.DType, weight, destination);
    }

    private void NoteChange(RowChunk chunk, ReadOnlySpan<byte> rows)
    {
        if (IsChanged)
        {
            return;
        }

        if (!Info.Shape.SequenceEqual(BaseInfo.Shape))
        {
            Interlocked.Exchange(ref _isChanged, 1);
            return;
        }

        var before = chunk.Scratch.Get<byte>(ScratchSlot.Before, rows.Length);
        Base.Read(BaseInfo, chunk.FirstRow * RowBytes, before);
        if (!before.SequenceEqual(rows))
        {
            Interlocked.Exchange(ref _isChanged, 1);
        }
    }
}

/// <summary>The buffers that are in use at the same time.</summary>
internal static class ScratchSlot
{
    public const int Rows = 0;
    public const int Before = 1;
    public const int Weight = 2;
    public const int LoraB = 3;
}
