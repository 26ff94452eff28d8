namespace Alpaca.Host.Tests;

/// <summary>Disks, rights and clocks that go wrong: nothing is lost, all is tried again, and the log says it once.</summary>
public sealed class DropMishapTests : IDisposable
{
    private readonly DropBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Scan_LockedFile_StaysIsReportedOnceAndIsTakenLater()
    {
        var path = _bench.Put("locked.json", DropBench.Good);
        _bench.Put("other.json", DropBench.Row(1));
        using (new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            _bench.ScanWhenStill().Should().Be(1, "the other one is not held up");
            for (var i = 0; i < 20; i++)
            {
                _bench.Time.Advance(TimeSpan.FromMinutes(1));
                _bench.Scan().Should().Be(0);
            }
        }

        _bench.Left.Should().Equal("locked.json");
        _bench.Warnings.Should().ContainSingle().Which.Should().Contain("locked.json");
        _bench.Time.Advance(TimeSpan.FromMinutes(5));
        _bench.Scan().Should().Be(1);
    }

    [UnixFact(IsForOthers = true)]
    public void Scan_UnreadableFile_StaysIsReportedOnceAndIsTakenOnceItCanBeRead()
    {
        var path = _bench.Put("secret.json", DropBench.Good);
        DropBench.SetMode(path, UnixFileMode.None);
        for (var i = 0; i < 5; i++) _bench.ScanWhenStill().Should().Be(0);
        _bench.Warnings.Should().ContainSingle().Which.Should().Contain("secret.json");

        DropBench.SetMode(path, UnixFileMode.UserRead);

        _bench.ScanWhenStill().Should().Be(1);
    }

    [UnixFact(IsForOthers = true)]
    public void Scan_FolderThatIsReadOnly_KeepsEverythingAndGoesOnLater()
    {
        foreach (var number in Enumerable.Range(1, 3)) _bench.Put($"{number}.json", number == 3 ? "bad" : DropBench.Row(number));
        DropBench.SetMode(_bench.Drops.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        for (var i = 0; i < 5; i++) _bench.ScanWhenStill().Should().Be(0);

        _bench.Left.Should().HaveCount(3);
        _bench.Warnings.Should().HaveCountLessThanOrEqualTo(2, "one line for what cannot be rejected, one for what cannot be accepted");
        DropBench.SetMode(_bench.Drops.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        _bench.Scan().Should().Be(2);
        _bench.Rejected.Should().HaveCount(2);
    }

    [UnixFact(IsForRoot = true)]
    public void Scan_FullDisk_KeepsEverythingSaysSoOnceAndGoesOnLater()
    {
        var disk = _bench.Folder.CreateFolder("disk");
        DropBench.Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk);
        try
        {
            using var bench = new DropBench(Path.Combine(disk, "drops"));
            foreach (var number in Enumerable.Range(1, 5)) bench.Put($"{number}.json", DropBench.Row(number));
            foreach (var number in Enumerable.Range(1, 5)) bench.Put($"bad{number}.json", $"bad {number}");
            Fill(Path.Combine(disk, "ballast"));
            for (var i = 0; i < 5; i++) bench.ScanWhenStill().Should().Be(0);

            bench.Left.Should().HaveCount(10);
            bench.Rejected.Should().BeEmpty("neither a reason without its file nor a file without its reason");
            bench.Warnings.Should().ContainSingle().Which.Should().Contain("and 9 other drops");

            File.Delete(Path.Combine(disk, "ballast"));
            bench.Scan().Should().Be(5);
            (bench.Left.Count, bench.Rejected.Count, NewSamples.Read(bench.Drops).Count).Should().Be((0, 10, 5));
        }
        finally
        {
            DropBench.Run("umount", disk);
        }
    }

    [Fact]
    public void Scan_FolderIsRemovedAndComesBack_GoesOn()
    {
        _bench.Put("one.json", DropBench.Good);
        _bench.Scan();
        Directory.Delete(_bench.Drops.Path, recursive: true);
        FluentActions.Invoking(() => _bench.Scanner.Scan(_ => true)).Should().Throw<IOException>();

        _bench.Scan().Should().Be(0);
        _bench.Put("one.json", DropBench.Good);
        _bench.Scan();
        _bench.Scan().Should().Be(0, "it was seen a moment ago for the first time");
        _bench.Time.Advance(_bench.Drops.Quiet);
        _bench.Scan().Should().Be(1);
    }

    [Theory]
    [InlineData(2126)]
    [InlineData(1971)]
    public void Scan_FileOfAnotherTime_IsTakenWhenItHasBeenStill(int year)
    {
        File.SetLastWriteTimeUtc(_bench.Put("data.json", DropBench.Good), new DateTime(year, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        _bench.Scan().Should().Be(0, "however old it looks, it may be half there");
        _bench.Time.Advance(_bench.Drops.Quiet);
        _bench.Scan().Should().Be(1);
    }

    [Fact]
    public void Scan_ClockIsSet_CountsThePassedTimeAlone()
    {
        var time = new SetClock();
        var scanner = new DropScanner("notes", _bench.Drops, TestMetrics.Create(), time, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        _bench.Put("data.json", DropBench.Good);
        _bench.Scan(scanner);
        time.Now = time.Now.AddYears(1);
        _bench.Scan(scanner).Should().Be(0, "no time has passed");
        time.Now = time.Now.AddYears(-2);
        time.Passed = _bench.Drops.Quiet;

        _bench.Scan(scanner).Should().Be(1);
    }

    [UnixFact]
    public void Scan_OtherFileUnderTheNameWithTheSameSizeAndTime_HasToComeToRestAgain()
    {
        var path = _bench.Put("data.json", DropBench.Good);
        var modified = File.GetLastWriteTimeUtc(path);
        _bench.Scan();
        _bench.Time.Advance(_bench.Drops.Quiet);
        var other = _bench.Folder.Write("other", DropBench.Good.Replace("北京", "南京", StringComparison.Ordinal));
        File.SetLastWriteTimeUtc(other, modified);
        File.Move(other, path, overwrite: true);

        _bench.Scan().Should().Be(0);
        _bench.Time.Advance(_bench.Drops.Quiet);
        _bench.Scan().Should().Be(1);
    }

    [UnixFact]
    public void Scan_WriterThatSetsTheTimeBack_IsNoticed()
    {
        var path = _bench.Put("data.json", DropBench.Good);
        var modified = File.GetLastWriteTimeUtc(path);
        _bench.Scan();
        _bench.Time.Advance(_bench.Drops.Quiet);
        _bench.Put("data.json", DropBench.Good.Replace("北京", "南京", StringComparison.Ordinal));
        File.SetLastWriteTimeUtc(path, modified);

        _bench.Scan().Should().Be(0);
    }

    private static void Fill(string file)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            while (true) stream.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private sealed class SetClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public TimeSpan Passed { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => Now;

        public override long GetTimestamp() => Passed.Ticks;
    }
}
