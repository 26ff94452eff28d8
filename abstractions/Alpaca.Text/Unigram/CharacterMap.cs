using System.Buffers.Binary;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>SentencePiece's <c>precompiled_charsmap</c>: which sequences of UTF-8 bytes normalisation replaces, and by what.</summary>
/// <remarks>The size of a trie, the trie as a double array of Darts-clone's units, and the replacements, each ended by a zero byte.</remarks>
internal sealed class CharacterMap
{
    private const uint HasLeaf = 1 << 8, ValueMask = int.MaxValue, LabelMask = 1u << 31 | 0xFF, IsFarOffset = 1 << 9;

    private readonly string _name;
    private readonly uint[] _units;
    private readonly byte[] _replacements;

    /// <param name="data">The field's bytes.</param>
    /// <param name="name">The model's file, for messages.</param>
    /// <exception cref="AlpacaException">They are no such map.</exception>
    public CharacterMap(ReadOnlySpan<byte> data, string name)
    {
        _name = name;
        if (data.Length < sizeof(uint)) throw Damaged("is cut off");
        var trieLength = BinaryPrimitives.ReadUInt32LittleEndian(data);
        data = data[sizeof(uint)..];
        if (trieLength is 0 || trieLength % sizeof(uint) != 0 || trieLength >= data.Length) throw Damaged("has a trie that does not fit in it");
        _units = new uint[trieLength / sizeof(uint)];
        for (var i = 0; i < _units.Length; i++) _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(data[(i * sizeof(uint))..]);
        _replacements = data[(int)trieLength..].ToArray();
        if (_replacements[^1] != 0) throw Damaged("has a replacement without end");
    }

    /// <summary>Finds the longest sequence at the beginning of a text that is replaced.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="replacement">By what, in UTF-8; may be nothing.</param>
    /// <returns>Its length in bytes, or 0.</returns>
    /// <exception cref="AlpacaException">The trie leads out of the map.</exception>
    public int MatchLongest(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> replacement)
    {
        var (longest, value) = (0, 0u);
        var node = Offset(_units[0]);
        for (var i = 0; i < text.Length; i++)
        {
            node ^= text[i];
            var unit = UnitAt(node);
            if ((unit & LabelMask) != text[i]) break;
            node ^= Offset(unit);
            if ((unit & HasLeaf) != 0) (longest, value) = (i + 1, UnitAt(node) & ValueMask);
        }
        replacement = default;
        if (longest == 0) return 0;
        if (value >= _replacements.Length) throw Damaged("points outside itself");
        replacement = _replacements.AsSpan((int)value);
        replacement = replacement[..replacement.IndexOf((byte)0)];
        return longest;
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & IsFarOffset) >> 6);

    private uint UnitAt(uint node) => node < _units.Length ? _units[node] : throw Damaged("points outside itself");

    private AlpacaException Damaged(string what) => new($"{_name} is not a usable SentencePiece model: its character map {what}; get the file again.");
}
