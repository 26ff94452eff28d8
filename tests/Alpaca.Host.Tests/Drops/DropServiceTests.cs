namespace Alpaca.Host.Tests;

/// <summary>Drop folders in the whole service: one that is in trouble is nobody else's.</summary>
public sealed class DropServiceTests
{
    // Ends the section of the pipeline notes, and begins that of another one.
    private const string TwoPipelines = """
        , "Drops": { "Folder": "drops", "QuietSeconds": 0.2 } },
        "other": { "Stages": { "acme-note": { "Text": "Other" } }, "Drops": { "Folder": "other", "QuietSeconds": 0.2 }
        """;

    [Fact]
    public async Task Serve_DropFolderBecomesAFile_OtherPipelinesGoOnAndSoDoesItAfterwards()
    {
        await using var bench = new ServiceBench(TwoPipelines);
        bench.Start();
        await bench.UntilAsync(() => Directory.Exists(bench.Drops.Rejected));
        PutInTheWay(bench);

        bench.Folder.WriteWhole("other/data.json", DropBench.Row(1));
        await bench.UntilRunAsync(run => run is { Pipeline: "other", Outcome: RunOutcome.Succeeded });
        File.ReadAllText(bench.Drops.Path).Should().Be("in the way");

        File.Delete(bench.Drops.Path);
        await bench.UntilAsync(() => Directory.Exists(bench.Drops.Rejected));
        bench.Drop(1);
        await bench.UntilRunAsync(run => run is { Pipeline: "notes", Outcome: RunOutcome.Succeeded });
    }

    /// <summary>Puts a file in the folder's place; the service, which makes the folder again, may be faster.</summary>
    private static void PutInTheWay(ServiceBench bench)
    {
        var file = bench.Folder.Write("file", "in the way");
        for (var attempt = 0; File.Exists(file); attempt++)
        {
            Directory.Move(bench.Drops.Path, bench.Folder.Combine($"away{attempt}"));
            try
            {
                File.Move(file, bench.Drops.Path);
            }
            catch (IOException) when (Directory.Exists(bench.Drops.Path))
            {
                // It was.
            }
        }
    }

    [UnixFact]
    public async Task Serve_HostileThingsInOneFolder_AllAreMovedAndTheGoodOnesRun()
    {
        await using var bench = new ServiceBench(TwoPipelines);
        bench.Start();
        await bench.UntilAsync(() => Directory.Exists(bench.Drops.Rejected));
        DropBench.Run("mknod", Path.Combine(bench.Drops.Path, "pipe.json"), "p");
        File.CreateSymbolicLink(Path.Combine(bench.Drops.Path, "link.json"), "/dev/zero");
        DropBench.Run("sh", "-c", "echo x > \"$1/$(printf '\\377')\"", "sh", bench.Drops.Path);
        bench.Drop(1);

        await bench.UntilRunAsync(run => run is { Pipeline: "notes", Outcome: RunOutcome.Succeeded });
        await bench.UntilAsync(() => Directory.GetFileSystemEntries(bench.Drops.Rejected).Length == 6);

        Directory.GetFileSystemEntries(bench.Drops.Path).Select(path => Path.GetFileName(path)).Except([".new-samples"]).Should().BeEquivalentTo("accepted", "rejected");
    }
}
