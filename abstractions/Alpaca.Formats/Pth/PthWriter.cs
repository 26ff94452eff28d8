using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Writes a checkpoint that <c>torch.load</c> opens (PyTorch 1.6 and later): a zip file of stored members, zip64 where needed.</summary>
/// <remarks>Every storage starts at a multiple of 64 bytes, as PyTorch's own do, by an extra field <c>FB</c> in its header.</remarks>
public sealed class PthWriter : ITensorWriter
{
    private const int Alignment = 64;

    private readonly PositionalFileWriter _file;
    private readonly WriteLedger _ledger;
    private readonly List<Member> _members = [];
    private readonly long _directoryOffset;
    private readonly int _directoryLength;

    /// <summary>Creates the file and reserves its room on the disk.</summary>
    /// <param name="path">Where to write. The file appears there in <see cref="Complete"/>; its name without extension becomes the prefix inside, as in PyTorch.</param>
    /// <param name="tensors">What will be written.</param>
    /// <param name="isSparse">Whether parts that are all zero take no room on the disk, which is then not reserved either. The default is <see langword="false"/>.</param>
    /// <exception cref="AlpacaException">The file cannot be created or the disk is too full.</exception>
    public PthWriter(string path, IReadOnlyList<TensorInfo> tensors, bool isSparse = false)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(tensors);
        Tensors = tensors;
        _ledger = new WriteLedger(tensors);
        var prefix = Path.GetFileNameWithoutExtension(path);
        var pickle = StateDictPickle.Write(tensors);
        var version = "3\n"u8.ToArray();

        // Storages come right after their number in the pickle: member i + 1 is tensor i.
        long position = 0;
        Add($"{prefix}/data.pkl", pickle.Length);
        for (var i = 0; i < tensors.Count; i++)
        {
            Add(string.Create(CultureInfo.InvariantCulture, $"{prefix}/data/{i}"), tensors[i].ByteLength);
        }

        Add($"{prefix}/version", version.Length);
        _directoryOffset = position;
        _directoryLength = _members.Sum(m => m.CentralHeader().Length);
        _file = new PositionalFileWriter(path, _directoryOffset + _directoryLength + ZipEnd.Write(0, 0, 0).Length, isSparse);
        try
        {
            WriteMember(_members[0], pickle);
            WriteMember(_members[^1], version);
        }
        catch
        {
            _file.Dispose();
            throw;
        }

        void Add(string name, long length)
        {
            var member = new Member(name, position, length);
            _members.Add(member);
            position = member.DataOffset + length;
        }
    }

    /// <inheritdoc />
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <inheritdoc />
    public void Write(string name, long byteOffset, ReadOnlySpan<byte> data)
    {
        var member = _members[_ledger.Note(name, byteOffset, data.Length) + 1];
        _file.Write(member.DataOffset + byteOffset, data);
        member.AddSum(byteOffset, data);
    }

    /// <inheritdoc />
    public void Read(string name, long byteOffset, Span<byte> destination) =>
        _file.Read(_members[_ledger.Find(name, byteOffset, destination.Length) + 1].DataOffset + byteOffset, destination);

    /// <inheritdoc />
    public void Complete()
    {
        ThrowIfIncomplete();
        using var directory = new MemoryStream(_directoryLength);
        foreach (var member in _members)
        {
            _file.Write(member.HeaderOffset, member.LocalHeader());
            directory.Write(member.CentralHeader());
        }

        directory.Write(ZipEnd.Write(_members.Count, _directoryOffset, _directoryLength));
        _file.Write(_directoryOffset, directory.GetBuffer().AsSpan(0, (int)directory.Length));
        _file.Publish();
    }

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    internal void ThrowIfIncomplete() => _ledger.ThrowIfIncomplete();

    private void WriteMember(Member member, byte[] data)
    {
        _file.Write(member.DataOffset, data);
        member.AddSum(0, data);
    }

    /// <summary>A stored member: where it lies, its headers, and the sums of the parts written so far.</summary>
    private sealed class Member
    {
        private const int LocalLength = 30;
        private const int CentralLength = 46;
        private const ushort Utf8Names = 1 << 11;

        // 1 January 1980, the earliest date of the format: equal weights give equal files.
        private const ushort Date = (1 << 5) | 1;

        private readonly byte[] _name;
        private readonly int _localExtraLength;
        private readonly SortedDictionary<long, (uint Crc, int Length)> _sums = [];

        public Member(string name, long headerOffset, long length)
        {
            _name = Encoding.UTF8.GetBytes(name);
            HeaderOffset = headerOffset;
            Length = length;
            var zip64 = length >= uint.MaxValue ? 20 : 0;
            var unpadded = headerOffset + LocalLength + _name.Length + zip64 + 4;
            var padding = (int)((Alignment - (unpadded % Alignment)) % Alignment);
            _localExtraLength = zip64 + 4 + padding;
            DataOffset = unpadded + padding;
        }

        public long HeaderOffset { get; }

        public long DataOffset { get; }

        private long Length { get; }

        private uint Crc
        {
            get
            {
                uint crc = 0;
                foreach (var part in _sums.Values)
                {
                    crc = Crc32.Combine(crc, part.Crc, part.Length);
                }

                return crc;
            }
        }

        public void AddSum(long offset, ReadOnlySpan<byte> data)
        {
            if (data.IsEmpty)
            {
                return;
            }

            var crc = Crc32.Compute(data);
            lock (_sums)
            {
                _sums.Add(offset, (crc, data.Length));
            }
        }

        public byte[] LocalHeader()
        {
            using var header = new MemoryStream();
            using var writer = new BinaryWriter(header);
            writer.Write(0x04034b50u);
            WriteCommon(writer, isZip64: Length >= uint.MaxValue);
            writer.Write((ushort)_localExtraLength);
            writer.Write(_name);
            var rest = _localExtraLength;
            if (Length >= uint.MaxValue)
            {
                writer.Write((ushort)1);
                writer.Write((ushort)16);
                writer.Write(Length);
                writer.Write(Length);
                rest -= 20;
            }

            writer.Write("FB"u8);
            writer.Write((ushort)(rest - 4));
            writer.Write(Enumerable.Repeat((byte)'Z', rest - 4).ToArray());
            return header.ToArray();
        }

        public byte[] CentralHeader()
        {
            bool largeData = Length >= uint.MaxValue, largeOffset = HeaderOffset >= uint.MaxValue;
            var extra = (largeData ? 16 : 0) + (largeOffset ? 8 : 0);
            using var header = new MemoryStream(CentralLength + _name.Length);
            using var writer = new BinaryWriter(header);
            writer.Write(0x02014b50u);
            writer.Write((ushort)45);
            WriteCommon(writer, largeData || largeOffset);
            writer.Write((ushort)(extra == 0 ? 0 : extra + 4));
            writer.Write(new byte[10]);                                     // no comment, disk 0, no attributes
            writer.Write(largeOffset ? uint.MaxValue : (uint)HeaderOffset);
            writer.Write(_name);
            if (extra != 0)
            {
                writer.Write((ushort)1);
                writer.Write((ushort)extra);
                if (largeData)
                {
                    writer.Write(Length);
                    writer.Write(Length);
                }

                if (largeOffset)
                {
                    writer.Write(HeaderOffset);
                }
            }

            return header.ToArray();
        }

        // Version, flags, stored, time and date, sum, sizes, name length: the same in both headers.
        private void WriteCommon(BinaryWriter writer, bool isZip64)
        {
            var size = Length >= uint.MaxValue ? uint.MaxValue : (uint)Length;
            writer.Write((ushort)(isZip64 ? 45 : 20));
            writer.Write(Utf8Names);
            writer.Write((ushort)0);
            writer.Write((ushort)0);
            writer.Write(Date);
            writer.Write(Crc);
            writer.Write(size);
            writer.Write(size);
            writer.Write((ushort)_name.Length);
        }
    }

    /// <summary>The end of a zip file, always with the zip64 records, which are right for every size.</summary>
    private static class ZipEnd
    {
        public static byte[] Write(long count, long directoryOffset, long directoryLength)
        {
            var end = new byte[56 + 20 + 22];
            var zip64 = end.AsSpan(0, 56);
            BinaryPrimitives.WriteUInt32LittleEndian(zip64, 0x06064b50);
            BinaryPrimitives.WriteInt64LittleEndian(zip64[4..], 56 - 12);
            BinaryPrimitives.WriteUInt16LittleEndian(zip64[12..], 45);
            BinaryPrimitives.WriteUInt16LittleEndian(zip64[14..], 45);
            BinaryPrimitives.WriteInt64LittleEndian(zip64[24..], count);
            BinaryPrimitives.WriteInt64LittleEndian(zip64[32..], count);
            BinaryPrimitives.WriteInt64LittleEndian(zip64[40..], directoryLength);
            BinaryPrimitives.WriteInt64LittleEndian(zip64[48..], directoryOffset);

            var locator = end.AsSpan(56, 20);
            BinaryPrimitives.WriteUInt32LittleEndian(locator, 0x07064b50);
            BinaryPrimitives.WriteInt64LittleEndian(locator[8..], directoryOffset + directoryLength);
            BinaryPrimitives.WriteUInt32LittleEndian(locator[16..], 1);

            var last = end.AsSpan(76);
            BinaryPrimitives.WriteUInt32LittleEndian(last, 0x06054b50);
            BinaryPrimitives.WriteUInt16LittleEndian(last[8..], (ushort)Math.Min(count, ushort.MaxValue));
            BinaryPrimitives.WriteUInt16LittleEndian(last[10..], (ushort)Math.Min(count, ushort.MaxValue));
            BinaryPrimitives.WriteUInt32LittleEndian(last[12..], (uint)Math.Min(directoryLength, uint.MaxValue));
            BinaryPrimitives.WriteUInt32LittleEndian(last[16..], (uint)Math.Min(directoryOffset, uint.MaxValue));
            return end;
        }
    }
}
