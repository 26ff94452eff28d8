using System.Diagnostics;
using Alpaca.Abstractions;

namespace Alpaca.Download.Tests;

/// <summary>Disks without room, and what is said about how far it is.</summary>
public sealed class DiskTests : IDisposable
{
    private readonly WeightFolder _source = new(shardBytes: 800_000);
    private readonly DownloadBench _bench = new();

    public void Dispose()
    {
        _bench.Dispose();
        _source.Dispose();
    }

    [TmpfsFact]
    public async Task Execute_DiskFullInTheMiddle_SaysWhereAndTheNextTryGoesOn()
    {
        // A file system of 1 MiB; the two shards have 1.6 MB.
        using var disk = new SmallDisk(_bench.Folder.CreateFolder("disk"), "1m");
        _bench.Resume = "disk";
        _bench.Environment = _bench.Environment with { FreeBytes = _ => long.MaxValue };
        await using var server = await FileServer.StartAsync(_source.Path);
        var request = new DownloadRequest { Source = server.Address, ModelSize = ["tiny"], ParallelDownloads = 1 };

        (await _bench.FailAsync(request)).Message.Should().Match($"tiny/consolidated.01.pth could not be written to {disk.Path}: *Make room*");

        server.Requests.Clear();
        disk.Resize("8m");
        await _bench.RunAsync(request);
        _bench.ShouldEqual(_source.Path);
        server.Requests.Should().ContainSingle().Which.Should().StartWith("tiny/consolidated.01.pth@").And.NotEndWith("@0");
    }

    [TmpfsFact]
    public async Task Execute_DiskTooSmall_SaysSoBeforeTheFirstShard()
    {
        using var disk = new SmallDisk(_bench.Folder.CreateFolder("disk"), "1m");
        _bench.Resume = "disk";
        await using var server = await FileServer.StartAsync(_source.Path);

        (await _bench.FailAsync(server.Address)).Message.Should().Match($"There is too little room for what is still to fetch: it takes 1.5 MiB and the disk of {disk.Path} has *; free *");

        server.Requests.Should().NotContain(r => r.Contains(".pth"));
    }

    [Fact]
    public async Task Execute_SomeFetchedBefore_NeedsRoomForTheRestOnly()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        var request = new DownloadRequest { Source = server.Address, ModelSize = ["tiny"], ParallelDownloads = 1 };
        server.Intercept = (context, name) =>
        {
            if (name != "tiny/consolidated.01.pth" || context.Request.Method != "GET") return Task.FromResult(false);
            context.Response.StatusCode = 403;
            return Task.FromResult(true);
        };
        await _bench.FailAsync(request);
        server.Intercept = (_, _) => Task.FromResult(false);

        _bench.Environment = _bench.Environment with { FreeBytes = _ => 799_999 };
        (await _bench.FailAsync(request)).Message.Should().Match("*free 1 bytes there*");
        _bench.Environment = _bench.Environment with { FreeBytes = _ => 800_000 };
        await _bench.RunAsync(request);

        _bench.ShouldEqual(_source.Path);
    }

    [Fact]
    public async Task Execute_Progress_HasALineForEachFileAndOneForAll()
    {
        var progress = new Lines();
        _bench.Progress = progress;
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Cuts.Enqueue(("tiny/consolidated.00.pth", 300_000));

        await _bench.RunAsync(server.Address);

        progress.All.Select(l => l.Description).Should().Contain(["all files", "tiny/consolidated.00.pth", "tiny/consolidated.01.pth", "tokenizer.model"]);
        progress.All.Should().OnlyContain(l => l.Ended && l.Done == l.Total);
        var total = Directory.GetFiles(_source.Path, "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
        progress.All.Single(l => l.Description == "all files").Total.Should().Be(total);
    }

    [Fact]
    public async Task Execute_Parallel_FetchesThatManyAtATime()
    {
        using var source = new WeightFolder(shards: 8, shardBytes: 1000);
        await using var server = await FileServer.StartAsync(source.Path);
        var (now, most) = (0, 0);
        var gate = new Lock();
        server.Send = async (context, content) =>
        {
            lock (gate) most = Math.Max(most, ++now);
            await Task.Delay(30);
            lock (gate) now--;
            await context.Response.Body.WriteAsync(content);
        };

        await _bench.RunAsync(new DownloadRequest { Source = server.Address, ModelSize = ["tiny"], ParallelDownloads = 3 });

        most.Should().BeInRange(2, 3);
        _bench.ShouldEqual(source.Path);
    }

    private sealed class Lines : IStageProgress
    {
        public List<Line> All { get; } = [];

        public IProgressTask Start(string description, double? total, ProgressUnit unit)
        {
            var line = new Line(description) { Total = total };
            lock (All) All.Add(line);
            return line;
        }
    }

    private sealed class Line(string description) : IProgressTask
    {
        public string Description => description;

        public double Done { get; private set; }

        public double? Total { get; set; }

        public bool Ended { get; private set; }

        public void Report(double done) => Done = done;

        public void SetTotal(double total) => Total = total;

        public void SetStatus(string status) { }

        public void Dispose() => Ended = true;
    }

    /// <summary>A tmpfs of limited size.</summary>
    private sealed class SmallDisk : IDisposable
    {
        public SmallDisk(string path, string size)
        {
            Path = path;
            Mount($"-t tmpfs -o size={size} tmpfs {path}").Should().BeTrue();
        }

        public string Path { get; }

        public void Resize(string size) => Mount($"-o remount,size={size} {Path}").Should().BeTrue();

        public static bool Mount(string arguments) => Run("mount", arguments);

        public void Dispose() => Run("umount", Path);

        private static bool Run(string program, string arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
    }

    /// <summary>A fact that needs to mount a file system.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class TmpfsFactAttribute : FactAttribute
    {
        private static readonly Lazy<bool> CanMount = new(() =>
        {
            if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) return false;
            using var folder = new TemporaryFolder();
            using var disk = SmallDisk.Mount($"-t tmpfs -o size=1m tmpfs {folder.Path}") ? new Unmounter(folder.Path) : null;
            return disk is not null;
        });

        public TmpfsFactAttribute() => Skip = CanMount.Value ? null : "A small file system can only be mounted by root on Linux.";

        private sealed class Unmounter(string path) : IDisposable
        {
            public void Dispose()
            {
                using var process = Process.Start("umount", path);
                process.WaitForExit();
            }
        }
    }
}
