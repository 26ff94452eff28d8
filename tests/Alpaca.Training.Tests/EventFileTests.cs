using System.Buffers.Binary;
using System.Text;

namespace Alpaca.Training.Tests;

public sealed class EventFileTests
{
    [Theory]
    [InlineData("313233343536373839", 0xe3069283)]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000", 0x8a9136aa)]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 0x62a8ab43)]
    public void Checksum_PublishedVectors_AreTheTestsOwn(string data, uint expected) => Crc32C(System.Convert.FromHexString(data)).Should().Be(expected);

    [Fact]
    public async Task ExecuteAsync_Run_WritesItsLogAsEvents()
    {
        using var folder = await TrainingFolder.CreateAsync();
        await folder.ExecuteAsync(folder.Request());
        ShouldHoldTheLog(folder.Combine("out"));
    }

    [Fact]
    public async Task ExecuteAsync_Resumed_HoldsTheEventsOfAllAttempts()
    {
        using var folder = await TrainingFolder.CreateAsync();
        using var cancellation = new CancelAtStep(6);
        await FluentActions.Awaiting(() => folder.TrainAsync(folder.Request(), "cancelled", cancellation)).Should().ThrowAsync<OperationCanceledException>();
        ShouldHoldTheLog(await folder.TrainAsync(folder.Request(), "resumed"));
    }

    private static void ShouldHoldTheLog(string output)
    {
        var file = Directory.GetFiles(output, "events.*").Should().ContainSingle().Subject;
        Path.GetFileName(file).Should().MatchRegex(@"^events\.out\.tfevents\.\d{10}\..+\.\d+\.v2$");
        var records = Records(File.ReadAllBytes(file));
        records[0].Should().EndWith([0x1a, 0x0d, .. Encoding.ASCII.GetBytes("brain.Event:2")]);

        (string Tag, string Field)[] tags =
        [
            ("train/loss", "loss"), ("train/learning_rate", "learningRate"), ("train/grad_norm", "gradNorm"), ("train/tokens_per_second", "tokensPerSecond"),
            ("eval/loss", "evalLoss"), ("eval/perplexity", "perplexity"), ("eval/accuracy", "accuracy"),
        ];
        var expected = LogLines.Read(output).SelectMany(line => tags.Where(t => line.ContainsKey(t.Field)).Select(t => ((long)line["step"], t.Tag, (float)line[t.Field])));
        records.Skip(1).SelectMany(Scalars).Should().Equal(expected).And.NotBeEmpty();
    }

    private static List<byte[]> Records(byte[] file)
    {
        var records = new List<byte[]>();
        for (var at = 0; at < file.Length;)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at));
            Unmask(BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8))).Should().Be(Crc32C(file[at..(at + 8)]));
            byte[] record = file[(at + 12)..(at + 12 + length)];
            Unmask(BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length))).Should().Be(Crc32C(record));
            records.Add(record);
            at += 16 + length;
        }

        return records;
    }

    private static uint Unmask(uint masked)
    {
        var rotated = masked - 0xa282ead8;
        return rotated >> 17 | rotated << 15;
    }

    // By the definition: reflected polynomial 0x82f63b78, bit by bit.
    private static uint Crc32C(byte[] data)
    {
        var crc = 0xffffffffu;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++) crc = crc >> 1 ^ ((crc & 1) == 1 ? 0x82f63b78u : 0);
        }

        return ~crc;
    }

    private static IEnumerable<(long Step, string Tag, float Value)> Scalars(byte[] message)
    {
        var fields = Fields(message);
        var step = fields.Where(f => f.Number == 2).Select(f => (long)f.Varint).SingleOrDefault();
        foreach (var value in Fields(fields.Single(f => f.Number == 5).Bytes))
        {
            var entry = Fields(value.Bytes);
            yield return (step, Encoding.UTF8.GetString(entry.Single(f => f.Number == 1).Bytes), BinaryPrimitives.ReadSingleLittleEndian(entry.Single(f => f.Number == 2).Bytes));
        }
    }

    private static List<(int Number, ulong Varint, byte[] Bytes)> Fields(byte[] message)
    {
        var fields = new List<(int, ulong, byte[])>();
        var at = 0;
        while (at < message.Length)
        {
            var key = Varint();
            var wire = key & 7;
            var varint = wire == 0 ? Varint() : 0;
            var length = wire switch { 1 => 8, 5 => 4, 2 => (int)Varint(), _ => 0 };
            fields.Add(((int)(key >> 3), varint, message[at..(at + length)]));
            at += length;
        }

        return fields;

        ulong Varint()
        {
            var value = 0ul;
            for (var shift = 0; ; shift += 7)
            {
                var next = message[at++];
                value |= (ulong)(next & 0x7f) << shift;
                if (next < 0x80) return value;
            }
        }
    }
}
