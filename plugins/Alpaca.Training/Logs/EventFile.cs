using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Numerics;
using System.Text;

namespace Alpaca.Training;

/// <summary>A TensorBoard event file: length, checksum, <c>Event</c> message, checksum, for each event (the TFRecord format).</summary>
internal sealed class EventFile : IDisposable
{
    private readonly FileStream _stream;
    private readonly TimeProvider _time;

    /// <summary>Creates <c>events.out.tfevents.SECONDS.HOST.PROCESS.v2</c>.</summary>
    /// <param name="folder">The folder to be given to <c>tensorboard --logdir</c>.</param>
    /// <param name="time">The clock of the events.</param>
    public EventFile(string folder, TimeProvider time)
    {
        _time = time;
        var name = string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{time.GetUtcNow().ToUnixTimeSeconds():D10}.{Dns.GetHostName()}.{Environment.ProcessId}.v2");
        _stream = new FileStream(Path.Combine(folder, name), FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        var version = new MessageWriter();
        version.WriteDouble(1, Seconds);
        version.WriteBytes(3, "brain.Event:2"u8); // file_version
        WriteRecord(version.Message);
    }

    private double Seconds => _time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;

    /// <summary>Writes figures of one step, and flushes them so that a dashboard shows them.</summary>
    /// <param name="step">The x value.</param>
    /// <param name="values">Values by tag; kept in single precision.</param>
    public void Write(int step, params ReadOnlySpan<(string Tag, double Value)> values)
    {
        var summary = new MessageWriter();
        foreach (var (tag, value) in values)
        {
            var entry = new MessageWriter();
            entry.WriteBytes(1, Encoding.UTF8.GetBytes(tag));
            entry.WriteFloat(2, (float)value); // simple_value
            summary.WriteBytes(1, entry.Message);
        }

        var message = new MessageWriter();
        message.WriteDouble(1, Seconds); // wall_time
        message.WriteInteger(2, (ulong)step);
        message.WriteBytes(5, summary.Message); // summary
        WriteRecord(message.Message);
    }

    /// <inheritdoc />
    public void Dispose() => _stream.Dispose();

    private void WriteRecord(ReadOnlySpan<byte> message)
    {
        Span<byte> header = stackalloc byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)message.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], MaskedChecksum(header[..8]));
        Span<byte> footer = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(footer, MaskedChecksum(message));
        _stream.Write(header);
        _stream.Write(message);
        _stream.Write(footer);
        _stream.Flush();
    }

    // CRC-32C, rotated and shifted, since the checksum of data that holds checksums is a weak one.
    private static uint MaskedChecksum(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data) crc = BitOperations.Crc32C(crc, value);
        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }

    /// <summary>A Protocol Buffers message.</summary>
    private sealed class MessageWriter
    {
        private readonly List<byte> _bytes = [];

        public ReadOnlySpan<byte> Message => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes);

        public void WriteInteger(int field, ulong value)
        {
            WriteVariable((ulong)field << 3);
            WriteVariable(value);
        }

        public void WriteDouble(int field, double value)
        {
            WriteVariable(((ulong)field << 3) | 1);
            Span<byte> bytes = stackalloc byte[8];
            BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
            _bytes.AddRange(bytes);
        }

        public void WriteFloat(int field, float value)
        {
            WriteVariable(((ulong)field << 3) | 5);
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
            _bytes.AddRange(bytes);
        }

        public void WriteBytes(int field, ReadOnlySpan<byte> value)
        {
            WriteVariable(((ulong)field << 3) | 2);
            WriteVariable((ulong)value.Length);
            _bytes.AddRange(value);
        }

        private void WriteVariable(ulong value)
        {
            for (; value >= 0x80; value >>= 7) _bytes.Add((byte)(value | 0x80));
            _bytes.Add((byte)value);
        }
    }
}
