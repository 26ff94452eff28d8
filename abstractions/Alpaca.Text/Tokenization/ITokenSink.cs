namespace Alpaca.Text;

/// <summary>Where the encoder puts tokens. Implemented by structs, so that each use gets machine code of its own without virtual calls.</summary>
internal interface ITokenSink
{
    /// <summary>Takes a token.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="start">Where it begins in the text, in UTF-16 code units.</param>
    /// <param name="end">Where it ends; equal to <paramref name="start"/> for a space mark that is not in the text and for all but the last byte of a character.</param>
    void Add(int id, int start, int end);

    /// <summary>Makes the last token longer: a run of unknown characters is one token.</summary>
    void ExtendLast(int end);
}

/// <summary>Collects ids.</summary>
internal readonly struct IdSink(List<int> ids) : ITokenSink
{
    public void Add(int id, int start, int end) => ids.Add(id);

    public void ExtendLast(int end) { }
}

/// <summary>Writes ids to memory of the caller; counts those that have no room too.</summary>
internal ref struct IdSpanSink(Span<int> ids) : ITokenSink
{
    private readonly Span<int> _ids = ids;

    public int Count { get; private set; }

    public void Add(int id, int start, int end)
    {
        if ((uint)Count < (uint)_ids.Length) _ids[Count] = id;
        Count++;
    }

    public readonly void ExtendLast(int end) { }
}

/// <summary>Counts tokens.</summary>
internal struct CountSink : ITokenSink
{
    public int Count { get; private set; }

    public void Add(int id, int start, int end) => Count++;

    public readonly void ExtendLast(int end) { }
}

/// <summary>Collects ids with their places.</summary>
internal readonly struct SpanSink(List<TokenSpan> tokens) : ITokenSink
{
    public void Add(int id, int start, int end) => tokens.Add(new TokenSpan(id, start, end));

    public void ExtendLast(int end) => tokens[^1] = tokens[^1] with { End = end };
}

/// <summary>A token and the UTF-16 code units it stands for.</summary>
internal readonly record struct TokenSpan(int Id, int Start, int End);
