using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>Sees rows while they pass by.</summary>
/// <param name="firstRow">The first of them.</param>
/// <param name="rows">[rows, columns]</param>
internal delegate void RowObserver(long firstRow, ReadOnlySpan<float> rows);

/// <summary>A tensor of the result: the base's, or the one an adapter saved whole, with the updates of the adapters after it; made row by row.</summary>
internal sealed class MergedTensor
{
    private readonly ITensorSource _base;
    private readonly TensorInfo _baseInfo;
    private readonly List<AddedLora> _updates = [];
    private ITensorSource _origin;
    private TensorInfo _originInfo;
    private int _isChanged;

    public MergedTensor(ITensorSource source, TensorInfo info)
    {
        (_base, _baseInfo) = (source, info);
        (_origin, _originInfo) = (source, info);
        Info = info;
    }

    /// <summary>Name, type and shape of the result; the type is the base's.</summary>
    public TensorInfo Info { get; private set; }

    /// <summary>What is added to the origin's rows, in order.</summary>
    public IReadOnlyList<AddedLora> Updates => _updates;

    /// <summary>Whether any adapter has to do with it.</summary>
    public bool IsTouched => _updates.Count > 0 || _origin != _base;

    /// <summary>Whether anything made so far differs from the base.</summary>
    public bool IsChanged => _isChanged != 0;

    /// <summary>Elements of a row; 1 for a vector.</summary>
    public int Columns => Info.Shape.Count == 2 ? (int)Info.Shape[1] : 1;

    public int RowBytes => Columns * Info.DType.Size();

    /// <summary>Takes a whole tensor in place of the base's (<c>modules_to_save</c>); updates that came before it are forgotten.</summary>
    public void Replace(ITensorSource source, TensorInfo tensor)
    {
        _updates.Clear();
        (_origin, _originInfo) = (source, tensor);
        Info = Info with { Shape = tensor.Shape };
    }

    public void Add(AddedLora update) => _updates.Add(update);

    /// <summary>Reads rows as they are before any update; of a vector, elements.</summary>
    /// <param name="firstRow">The first row.</param>
    /// <param name="destination">Filled completely with rows.</param>
    public void ReadOrigin(long firstRow, Span<float> destination) => _origin.ReadAsFloat32(_originInfo, firstRow * Columns, destination);

    /// <summary>Makes some rows of the result. After each adapter they are rounded to the base's type, as if it had been merged and saved by itself.</summary>
    /// <param name="chunk">The rows.</param>
    /// <param name="destination">Filled with them, in the result's type.</param>
    /// <param name="origin">If given, sees the rows before any update.</param>
    public void MakeRows(RowChunk chunk, Span<byte> destination, RowObserver? origin = null)
    {
        var isSameType = _originInfo.DType == Info.DType;
        if (isSameType)
        {
            _origin.Read(_originInfo, chunk.FirstRow * RowBytes, destination);
        }

        if (!isSameType || _updates.Count > 0 || origin is not null)
        {
            foreach (var (firstRow, rows) in RowBlocks.Of(chunk, Columns))
            {
                var stored = destination.Slice((int)(firstRow - chunk.FirstRow) * RowBytes, rows * RowBytes);
                var values = chunk.Scratch.Get<float>(ScratchSlot.Values, rows * Columns);
                if (isSameType)
                {
                    TensorConversion.ToFloat32(Info.DType, stored, values);
                }
                else
                {
                    ReadOrigin(firstRow, values);
                    TensorConversion.FromFloat32(Info.DType, values, stored);
                }

                origin?.Invoke(firstRow, values);
                for (var i = 0; i < _updates.Count; i++)
                {
                    if (i > 0 || !isSameType)
                    {
                        TensorConversion.ToFloat32(Info.DType, stored, values);
                    }

                    Update(i, firstRow, rows, values, chunk.Scratch);
                    TensorConversion.FromFloat32(Info.DType, values, stored);
                }
            }
        }

        NoteChange(chunk, destination);
    }

    private void Update(int index, long firstRow, int rows, Span<float> values, RowScratch scratch)
    {
        var update = _updates[index];
        var a = scratch.Keep(index, update, () => update.Source.ReadAsFloat32(update.Pair.A));
        var b = scratch.Get<float>(ScratchSlot.LoraB, rows * update.Rank);
        update.Source.ReadAsFloat32(update.Pair.B, firstRow * update.Rank, b);
        LoraKernel.Add(values, a, b, rows, Columns, update.Rank, update.Scaling);
    }

    private void NoteChange(RowChunk chunk, ReadOnlySpan<byte> rows)
    {
        if (IsChanged || !IsTouched)
        {
            return;
        }

        if (!Info.Shape.SequenceEqual(_baseInfo.Shape))
        {
            Interlocked.Exchange(ref _isChanged, 1);
            return;
        }

        var before = chunk.Scratch.Get<byte>(ScratchSlot.Before, rows.Length);
        _base.Read(_baseInfo, chunk.FirstRow * RowBytes, before);
        if (!before.SequenceEqual(rows))
        {
            Interlocked.Exchange(ref _isChanged, 1);
        }
    }
}

/// <summary>Cuts a chunk into rows that stay in a core's cache while everything is done with them.</summary>
internal static class RowBlocks
{
    private const int Elements = 32 << 10;

    // So many rows share each load of a factor in LoraKernel.
    private const int LeastRows = 4;

    public static IEnumerable<(long FirstRow, int Rows)> Of(RowChunk chunk, int columns)
    {
        var rows = Math.Max(LeastRows, Elements / columns);
        for (var first = 0; first < chunk.Rows; first += rows)
        {
            yield return (chunk.FirstRow + first, Math.Min(rows, chunk.Rows - first));
        }
    }
}

/// <summary>The buffers that are in use at the same time.</summary>
internal static class ScratchSlot
{
    public const int Rows = 0;
    public const int Before = 1;
    public const int Values = 2;
    public const int LoraB = 3;
}
