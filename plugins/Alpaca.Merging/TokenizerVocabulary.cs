using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>How many ids a tokenizer folder gives out.</summary>
internal static class TokenizerVocabulary
{
    private const long MaxModelBytes = 256 << 20;
    private const string AddedTokens = "added_tokens.json";

    /// <summary>Pieces of <c>tokenizer.model</c> and tokens added to it.</summary>
    /// <exception cref="AlpacaException">The model cannot be read; names the file.</exception>
    public static int SizeOf(string folder)
    {
        var model = Path.Combine(folder, TokenizerFiles.Model);
        if (!File.Exists(model))
        {
            throw new AlpacaException($"{folder} has no {TokenizerFiles.Model}; only SentencePiece tokenizers are supported.");
        }

        var pieces = CountPieces(model);
        return Math.Max(pieces, LargestAddedId(Path.Combine(folder, AddedTokens)) + 1);
    }

    // sentencepiece_model.proto: field 1 of ModelProto is a piece; nothing else needs to be understood to count them.
    private static int CountPieces(string path)
    {
        if (new FileInfo(path).Length > MaxModelBytes)
        {
            throw Malformed(path);
        }

        ReadOnlySpan<byte> rest = File.ReadAllBytes(path);
        var pieces = 0;
        while (!rest.IsEmpty)
        {
            var tag = ReadVarint(ref rest, path);
            if ((tag & 7) != 2 || ReadVarint(ref rest, path) is var length && length > (ulong)rest.Length)
            {
                throw Malformed(path);
            }

            rest = rest[(int)length..];
            pieces += tag >> 3 == 1 ? 1 : 0;
        }

        return pieces > 0 ? pieces : throw Malformed(path);
    }

    private static int LargestAddedId(string path)
    {
        if (!File.Exists(path))
        {
            return -1;
        }

        try
        {
            var ids = JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllBytes(path));
            return ids is { Count: > 0 } ? ids.Values.Max() : -1;
        }
        catch (JsonException e)
        {
            throw new AlpacaException($"{path} is not a list of added tokens ({e.Message}).", e);
        }
    }

    private static ulong ReadVarint(ref ReadOnlySpan<byte> rest, string path)
    {
        ulong value = 0;
        for (var shift = 0; shift < 64 && !rest.IsEmpty; shift += 7)
        {
            var part = rest[0];
            rest = rest[1..];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }

        throw Malformed(path);
    }

    private static AlpacaException Malformed(string path) => new($"{path} is not a SentencePiece model; check that it is the right file.");
}
