using System.Buffers.Binary;
using System.Text;

namespace Alpaca.Host.Torch;

/// <summary>The symbol versions a 64-bit little-endian ELF library needs of others (section <c>.gnu.version_r</c>; the ELF gABI and the LSB's symbol versioning).</summary>
public static class ElfVersionNeeds
{
    private const uint GnuVersionNeeds = 0x6ffffffe; // SHT_GNU_verneed
    private const ushort Weak = 0x2;                 // VER_FLG_WEAK

    /// <summary>Marks every need of one version as weak, so that the dynamic loader accepts its absence.</summary>
    /// <param name="image">The whole file; changed in place.</param>
    /// <param name="version">The version's name, for example <c>GLIBCXX_3.4.32</c>.</param>
    /// <returns>How many entries were marked.</returns>
    /// <exception cref="InvalidDataException">The file is not a 64-bit little-endian ELF file, or its tables point outside it.</exception>
    public static int MakeWeak(Span<byte> image, string version)
    {
        try
        {
            return Mark(image, version);
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IndexOutOfRangeException or OverflowException)
        {
            throw new InvalidDataException("The ELF library is cut off or damaged: its tables point outside the file.", e);
        }
    }

    private static int Mark(Span<byte> image, string version)
    {
        if (image.Length < 64 || !image[..4].SequenceEqual("\u007FELF"u8) || image[4] != 2 || image[5] != 1)
            throw new InvalidDataException("The file is not a 64-bit little-endian ELF library.");

        var wanted = Encoding.ASCII.GetBytes(version + "\0");
        var sections = Offset(image, 0x28);    // e_shoff
        var sectionSize = UInt16(image, 0x3A); // e_shentsize
        var sectionCount = UInt16(image, 0x3C);
        var marked = 0;
        for (var i = 0; i < sectionCount; i++)
        {
            var header = sections + i * sectionSize;
            if (UInt32(image, header + 4) != GnuVersionNeeds) continue;
            var need = Offset(image, header + 24);                                               // sh_offset
            var strings = Offset(image, sections + (int)UInt32(image, header + 40) * sectionSize + 24); // of section sh_link
            for (var remaining = UInt32(image, header + 44); remaining > 0; remaining--)          // sh_info: libraries
            {
                var entry = need + (int)UInt32(image, need + 8);                                 // vn_aux
                for (var versions = UInt16(image, need + 2); versions > 0; versions--)            // vn_cnt
                {
                    var name = strings + (int)UInt32(image, entry + 8);                          // vna_name
                    if (image[name..].StartsWith(wanted))
                    {
                        BinaryPrimitives.WriteUInt16LittleEndian(image[(entry + 4)..], (ushort)(UInt16(image, entry + 4) | Weak)); // vna_flags
                        marked++;
                    }

                    entry += (int)UInt32(image, entry + 12);                                     // vna_next
                }

                need += (int)UInt32(image, need + 12);                                           // vn_next
            }
        }

        return marked;
    }

    private static ushort UInt16(ReadOnlySpan<byte> image, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(image[offset..]);

    private static uint UInt32(ReadOnlySpan<byte> image, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(image[offset..]);

    private static int Offset(ReadOnlySpan<byte> image, int offset) => checked((int)BinaryPrimitives.ReadUInt64LittleEndian(image[offset..]));
}
