using System.Buffers.Binary;
using System.IO.Compression;

namespace Alpaca.Training.Tests;

public sealed class RunReportTests
{
    [Fact]
    public async Task ExecuteAsync_Run_LeavesAPictureOfItsCurves()
    {
        using var folder = await TrainingFolder.CreateAsync();
        await folder.ExecuteAsync(folder.Request());
        var png = File.ReadAllBytes(folder.Combine("out/loss.png"));

        png[..8].Should().Equal(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
        (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20))).Should().Be((1200, 700));
        // The checksum of an empty IEND chunk, as in every PNG file.
        png[^12..].Should().Equal(0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82);
        var length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(33));
        using var pixels = new MemoryStream();
        using (var zlib = new ZLibStream(new MemoryStream(png, 41, length), CompressionMode.Decompress)) zlib.CopyTo(pixels);
        var rows = pixels.ToArray();
        rows.Should().HaveCount(700 * 3601);
        // Training, validation and learning rate are each there as a line across the picture.
        foreach (var colour in new[] { (31, 119, 180), (230, 100, 10), (44, 140, 60) }) CountOf(colour).Should().BeGreaterThan(900);

        int CountOf((int, int, int) colour)
        {
            var count = 0;
            for (var y = 0; y < 700; y++)
                for (var x = 0; x < 1200; x++)
                    if ((rows[y * 3601 + 1 + x * 3], rows[y * 3601 + 2 + x * 3], rows[y * 3601 + 3 + x * 3]) == colour) count++;
            return count;
        }
    }

    [Fact]
    public async Task ExecuteAsync_Run_ReportsItsFiguresAndOptions()
    {
        using var folder = await TrainingFolder.CreateAsync();
        await folder.ExecuteAsync(folder.Request());
        var report = File.ReadAllText(folder.Combine("out/report.md"));
        var last = LogLines.Validations(folder.Combine("out"))[^1];

        report.Should().Contain("10 of 10 optimizer steps. The adapter is that of step 10.").And.Contain("(loss.png)")
            .And.Contain(FormattableString.Invariant($"| validation, last | loss {last["evalLoss"]:F4}, perplexity {last["perplexity"]:G5}, accuracy {100 * last["accuracy"]:F1} % (step 10) |"))
            .And.Contain("| LoraDropout | 0.1 |").And.Contain("| LoraTrainable | q_proj,v_proj,down_proj |").And.Contain("training data: 8 samples").And.Contain("after steps 3, 6, 9");
        report.Should().NotContain("| LossChunk |");
    }

    [Fact]
    public void Write_OneStepOfAnyLoss_DrawsIt()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(1);
        for (var i = 0; i < 10; i++)
        {
            using var log = new TrainLog(folder.CreateFolder($"log{i}"), TimeProvider.System);
            log.Write(new LoggedStep(1, 10 * random.NextDouble(), 1e-4, 1, 100, 50));
            LossChart.Write(folder.Combine("loss.png"), log);
        }

        File.Exists(folder.Combine("loss.png")).Should().BeTrue();
    }
}
