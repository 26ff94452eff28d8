using System.Buffers.Binary;
using System.Text;
using Alpaca.Host.Torch;
using FsCheck.Xunit;

namespace Alpaca.Llama.Tests;

public sealed class ElfVersionNeedsTests
{
    private const int Needs = 64 + 3 * 64; // after the file header and three section headers

    [Fact]
    public void MakeWeak_VersionNeededByTwoLibraries_MarksBothAndNothingElse()
    {
        var image = TinyElf();
        var before = image.ToArray();

        ElfVersionNeeds.MakeWeak(image, "GLIBCXX_3.4.32").Should().Be(2);

        var changed = Enumerable.Range(0, image.Length).Where(i => image[i] != before[i]).ToList();
        changed.Should().Equal(FlagsAt(0, 1), FlagsAt(1, 0));
        changed.Should().OnlyContain(i => image[i] == (before[i] | 0x2));
    }

    [Theory]
    [InlineData("GLIBCXX_3.4.3")]
    [InlineData("GLIBCXX_3.4.33")]
    public void MakeWeak_VersionThatOnlyLooksSimilar_ChangesNothing(string version)
    {
        var image = TinyElf();
        ElfVersionNeeds.MakeWeak(image, version).Should().Be(0);
        image.Should().Equal(TinyElf());
    }

    [Fact]
    public void MakeWeak_CalledAgain_ChangesNothingMore()
    {
        var image = TinyElf();
        ElfVersionNeeds.MakeWeak(image, "GLIBCXX_3.4.32");
        var once = image.ToArray();

        ElfVersionNeeds.MakeWeak(image, "GLIBCXX_3.4.32");

        image.Should().Equal(once);
    }

    [Fact]
    public void MakeWeak_NoElfFile_SaysSo()
    {
        var act = () => ElfVersionNeeds.MakeWeak(new byte[100], "GLIBCXX_3.4.32");
        act.Should().Throw<InvalidDataException>().WithMessage("*not a 64-bit little-endian ELF*");
    }

    [Property]
    public void MakeWeak_CutOffFile_EndsWithAResultOrInvalidData(ushort length)
    {
        var image = TinyElf();
        try
        {
            ElfVersionNeeds.MakeWeak(image.AsSpan(0, length % image.Length), "GLIBCXX_3.4.32").Should().BeInRange(0, 2);
        }
        catch (InvalidDataException)
        {
            // The other good end.
        }
    }

    [Property]
    public void MakeWeak_DamagedByte_EndsWithAResultOrInvalidData(ushort position, byte value)
    {
        var image = TinyElf();
        image[position % image.Length] = value;
        try
        {
            ElfVersionNeeds.MakeWeak(image, "GLIBCXX_3.4.32");
        }
        catch (InvalidDataException)
        {
            // Refused.
        }
    }

    // Two libraries with two versions each: verneed (16 bytes) and its two vernaux (16 bytes each) in a row.
    private static int FlagsAt(int library, int version) => Needs + library * 48 + 16 + version * 16 + 4;

    private static byte[] TinyElf()
    {
        string[] versions = ["GLIBC_2.17", "GLIBCXX_3.4.32"];
        var strings = Encoding.ASCII.GetBytes("\0" + string.Join('\0', versions) + "\0");
        var image = new byte[Needs + 96 + strings.Length];
        "\u007FELF"u8.CopyTo(image);
        (image[4], image[5]) = (2, 1);                                     // 64 bit, little-endian
        Write64(0x28, 64);                                                 // e_shoff
        Write16(0x3A, 64);                                                 // e_shentsize
        Write16(0x3C, 3);                                                  // e_shnum
        Section(1, type: 0x6ffffffe, offset: Needs, link: 2, info: 2);
        Section(2, type: 3, offset: Needs + 96, link: 0, info: 0);
        strings.CopyTo(image, Needs + 96);
        for (var library = 0; library < 2; library++)
        {
            var need = Needs + library * 48;
            Write16(need + 2, 2);                                          // vn_cnt
            Write32(need + 8, 16);                                         // vn_aux
            Write32(need + 12, library == 0 ? 48 : 0);                     // vn_next
            for (var i = 0; i < 2; i++)
            {
                var version = library == 0 ? i : 1 - i;                    // the wanted one is second in the first library and first in the second
                Write32(need + 16 + i * 16 + 8, 1 + version * (versions[0].Length + 1)); // vna_name
                Write32(need + 16 + i * 16 + 12, i == 0 ? 16 : 0);         // vna_next
            }
        }

        return image;

        void Section(int index, uint type, int offset, int link, int info)
        {
            var header = 64 + index * 64;
            Write32(header + 4, unchecked((int)type));
            Write64(header + 24, offset);
            Write32(header + 40, link);
            Write32(header + 44, info);
        }

        void Write16(int at, short value) => BinaryPrimitives.WriteInt16LittleEndian(image.AsSpan(at), value);
        void Write32(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(at), value);
        void Write64(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(at), value);
    }
}
