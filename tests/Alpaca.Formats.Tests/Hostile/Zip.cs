using System.Text;

namespace Alpaca.Formats.Tests.Hostile;

/// <summary>A member of a zip file, with the fields that can lie.</summary>
internal sealed record ZipMember(string Name, byte[] Data)
{
    public ushort Method { get; init; }

    public ushort? LocalMethod { get; init; }

    public ushort Flags { get; init; }

    /// <summary>The name in the local header, if another.</summary>
    public string? LocalName { get; init; }

    /// <summary>The sizes that the directory claims, if others.</summary>
    public long? Length { get; init; }

    public long? Packed { get; init; }

    /// <summary>Where the directory says that the local header is, if elsewhere.</summary>
    public long? HeaderOffset { get; init; }

    /// <summary>Whether the sizes and the offset are in a zip64 extra field.</summary>
    public bool IsZip64 { get; init; }
}

/// <summary>Writes zip files whose parts need not agree.</summary>
internal sealed record Zip(params IReadOnlyList<ZipMember> Members)
{
    public int? Count { get; init; }

    public long? DirectoryOffset { get; init; }

    public long? DirectoryLength { get; init; }

    public byte[] Comment { get; init; } = [];

    public bool IsZip64 { get; init; }

    public static byte[] Of(params (string Name, byte[] Data)[] members) => new Zip([.. members.Select(m => new ZipMember(m.Name, m.Data))]).ToArray();

    public byte[] ToArray()
    {
        using var output = new MemoryStream();
        using var writer = new BinaryWriter(output);
        var offsets = new List<long>();
        foreach (var member in Members)
        {
            offsets.Add(output.Position);
            var name = Encoding.UTF8.GetBytes(member.LocalName ?? member.Name);
            writer.Write(0x04034b50u);
            writer.Write((ushort)20);
            WriteCommon(writer, member, member.LocalMethod ?? member.Method, (uint)member.Data.Length, (uint)member.Data.Length);
            writer.Write((ushort)name.Length);
            writer.Write((ushort)0);
            writer.Write(name);
            writer.Write(member.Data);
        }

        var start = output.Position;
        foreach (var (member, header) in Members.Zip(offsets))
        {
            WriteCentral(writer, member, member.HeaderOffset ?? header);
        }

        var length = DirectoryLength ?? output.Position - start;
        start = DirectoryOffset ?? start;
        var count = Count ?? Members.Count;
        if (IsZip64)
        {
            var position = output.Position;
            writer.Write(0x06064b50u);
            writer.Write(44L);
            writer.Write([45, 0, 45, 0, .. new byte[8]]);
            writer.Write((long)count);
            writer.Write((long)count);
            writer.Write(length);
            writer.Write(start);
            writer.Write(0x07064b50u);
            writer.Write(0);
            writer.Write(position);
            writer.Write(1);
        }

        writer.Write(0x06054b50u);
        writer.Write(0);
        writer.Write((ushort)count);
        writer.Write((ushort)count);
        writer.Write((uint)length);
        writer.Write((uint)start);
        writer.Write((ushort)Comment.Length);
        writer.Write(Comment);
        return output.ToArray();
    }

    private static void WriteCentral(BinaryWriter writer, ZipMember member, long header)
    {
        var name = Encoding.UTF8.GetBytes(member.Name);
        var (length, packed) = (member.Length ?? member.Data.Length, member.Packed ?? member.Length ?? member.Data.Length);
        writer.Write(0x02014b50u);
        writer.Write((ushort)20);
        writer.Write((ushort)20);
        WriteCommon(writer, member, member.Method, member.IsZip64 ? uint.MaxValue : (uint)length, member.IsZip64 ? uint.MaxValue : (uint)packed);
        writer.Write((ushort)name.Length);
        writer.Write((ushort)(member.IsZip64 ? 28 : 0));
        writer.Write(new byte[10]);
        writer.Write(member.IsZip64 ? uint.MaxValue : (uint)header);
        writer.Write(name);
        if (member.IsZip64)
        {
            writer.Write((ushort)1);
            writer.Write((ushort)24);
            writer.Write(length);
            writer.Write(packed);
            writer.Write(header);
        }
    }

    private static void WriteCommon(BinaryWriter writer, ZipMember member, ushort method, uint length, uint packed)
    {
        writer.Write(member.Flags);
        writer.Write(method);
        writer.Write(0);                                                    // time and date
        writer.Write(Crc32.Compute(member.Data));
        writer.Write(packed);
        writer.Write(length);
    }
}
