using System.Runtime.InteropServices;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>Plain text as blocks of tokens.</summary>
/// <remarks>
/// The documents, each with its beginning (and end) of sequence, are one stream of tokens over all files, which is cut every so many tokens; what remains at the end is a shorter block. The
/// original script does so for every thousand lines by themselves and drops what remains of each.
/// </remarks>
internal static class TextBlocks
{
    // What is read before it is encoded, on all processors: enough to keep them busy.
    private const int DocumentsEncodedTogether = 4096;
    private const int CharactersEncodedTogether = 4 << 20;

    /// <summary>Reads and encodes files, or takes them from the cache.</summary>
    /// <param name="paths">Files and folders.</param>
    /// <param name="purpose">What they are for, in messages.</param>
    /// <param name="request">What a document and a block is.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="context">Where the cache is and whom to tell; the default is nowhere and nobody.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>The blocks, in the order of the text; a block's place is that of its first token.</returns>
    /// <exception cref="AlpacaException">A file cannot be used, or there is no text.</exception>
    public static EncodedData Load(
        IReadOnlyList<string> paths, string purpose, PretrainRequest request, ModelTokenizer tokenizer, StageContext? context = null, CancellationToken cancellationToken = default)
    {
        var encoding = new TextEncoding(request.Documents, request.AddEos, request.BlockSize);
        return DataCache.Of(request, context).GetOrEncode(
            new DataSource(purpose, () => TextDataset.Open(paths, encoding.Documents).Files, request.TokenizerNameOrPath, encoding.ToString()),
            () => Encode(paths, purpose, encoding, tokenizer, context?.Progress ?? NullProgress.Instance, cancellationToken),
            cancellationToken);
    }

    private static EncodedData Encode(
        IReadOnlyList<string> paths, string purpose, TextEncoding encoding, ModelTokenizer tokenizer, IStageProgress progress, CancellationToken cancellationToken)
    {
        if (encoding.AddEos && tokenizer.EosId is null) throw new AlpacaException($"{tokenizer.Name} has no end-of-sequence token for AddEos; name it in the folder's special_tokens_map.json, or leave AddEos out.");
        var text = TextDataset.Open(paths, encoding.Documents);
        var lint = new TextLint(purpose, tokenizer);
        var blocks = new BlockCutter(encoding.BlockSize);
        using var task = progress.Start($"encoding {purpose} text", text.Files.Sum(file => new FileInfo(file).Length), ProgressUnit.Bytes);
        foreach (var documents in Together(text.Read()))
        {
            var encoded = tokenizer.EncodeBatch([.. documents.Select(document => document.Text)], cancellationToken: cancellationToken);
            foreach (var (document, ids) in documents.Zip(encoded))
            {
                lint.Add(document, ids);
                if (tokenizer.BosId is { } bos) blocks.Add([bos], document.Place);
                blocks.Add(ids, document.Place);
                if (encoding.AddEos) blocks.Add([tokenizer.EosId!.Value], document.Place);
            }

            task.Report(text.Bytes);
        }

        var all = blocks.Finish();
        if (all.Count == 0) throw new AlpacaException($"There is no text in {Listing.Of(text.Files)}: every line is blank; put text there or name other files.");
        return new EncodedData(all, lint.Findings(text, all, encoding.Documents.ToString().ToLowerInvariant()));
    }

    private static IEnumerable<IReadOnlyList<TextDocument>> Together(IEnumerable<TextDocument> documents)
    {
        var (together, characters) = (new List<TextDocument>(), 0L);
        foreach (var document in documents)
        {
            together.Add(document);
            characters += document.Text.Length;
            if (together.Count < DocumentsEncodedTogether && characters < CharactersEncodedTogether) continue;
            yield return together;
            (together, characters) = ([], 0);
        }

        if (together.Count > 0) yield return together;
    }

    /// <summary>All options that say what tokens plain text becomes; the encoder sees no others, and the cache's key has all of them.</summary>
    private sealed record TextEncoding(TextDocuments Documents, bool AddEos, int BlockSize);

    /// <summary>Cuts a stream of tokens.</summary>
    private sealed class BlockCutter(int blockSize)
    {
        private readonly List<SupervisedExample> _blocks = [];
        private readonly List<int> _open = new(blockSize);
        private RowPlace _start;

        public void Add(ReadOnlySpan<int> ids, RowPlace place)
        {
            while (!ids.IsEmpty)
            {
                if (_open.Count == 0) _start = place;
                var count = Math.Min(ids.Length, blockSize - _open.Count);
                _open.AddRange(ids[..count]);
                ids = ids[count..];
                if (_open.Count == blockSize) Close();
            }
        }

        public List<SupervisedExample> Finish()
        {
            // One token predicts nothing.
            if (_open.Count > 1) Close();
            return _blocks;
        }

        private void Close()
        {
            var ids = CollectionsMarshal.AsSpan(_open).ToArray();
            _blocks.Add(new SupervisedExample(ids, ids) { Place = _start });
            _open.Clear();
        }
    }
}
