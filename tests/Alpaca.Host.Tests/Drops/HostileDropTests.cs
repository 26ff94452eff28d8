using System.Net.Sockets;

namespace Alpaca.Host.Tests;

/// <summary>What is no file, or takes a name that is needed: each ends in accepted/ or rejected/, and nothing outside is touched.</summary>
public sealed class HostileDropTests : IDisposable
{
    private readonly DropBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [UnixTheory]
    [InlineData("link.json", true)]
    [InlineData("link.json", false)]
    [InlineData("folder", true)]
    public void Scan_LinkOutOfTheFolder_IsRejectedItselfAndItsTargetIsNotRead(string name, bool exists)
    {
        var target = Path.Combine(_bench.Outside, name);
        if (exists && name == "folder") File.WriteAllText(Path.Combine(Directory.CreateDirectory(target).FullName, "in.json"), DropBench.Good);
        else if (exists) File.WriteAllText(target, DropBench.Good);
        File.CreateSymbolicLink(_bench.PathOf(name), target);
        var read = exists ? File.GetLastAccessTimeUtc(target) : default;

        _bench.ScanWhenStill().Should().Be(0);

        _bench.Left.Should().BeEmpty();
        _bench.Rejected.Should().Equal(name, $"{name}.reason.json");
        new FileInfo(Path.Combine(_bench.Drops.Rejected, name)).LinkTarget.Should().Be(target);
        _bench.Reason(name).Should().BeEquivalentTo(new { File = name, Sha256 = (string?)null });
        _bench.Reason(name).Reason.Should().Contain("symbolic link");
        if (exists) File.GetLastAccessTimeUtc(target).Should().Be(read);
    }

    [UnixFact]
    public void Scan_Pipe_IsRejectedWithoutBeingOpened() => IsRejectedUnopened("p");

    /// <summary>The device of zeros, which can be read for ever.</summary>
    [UnixFact(IsForRoot = true)]
    public void Scan_Device_IsRejectedWithoutBeingOpened() => IsRejectedUnopened("c", "1", "5");

    [UnixFact]
    public void Scan_Socket_IsRejected()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_bench.PathOf("s.json")));

        _bench.ScanWhenStill().Should().Be(0);

        _bench.Rejected.Should().Equal("s.json", "s.json.reason.json");
    }

    [Fact]
    public void Scan_Subfolder_IsRejectedWhole()
    {
        Directory.CreateDirectory(_bench.PathOf("deep/er"));
        _bench.Put("deep/er/good.json", DropBench.Good);

        _bench.ScanWhenStill().Should().Be(0);

        _bench.Left.Should().BeEmpty();
        _bench.Rejected.Should().Equal("deep", "deep.reason.json");
        _bench.Reason("deep").Reason.Should().Contain("is a folder");
        File.ReadAllText(Path.Combine(_bench.Drops.Rejected, "deep", "er", "good.json")).Should().Be(DropBench.Good);
    }

    [UnixTheory]
    [InlineData("accepted")]
    [InlineData("rejected")]
    [InlineData(".new-samples")]
    public void Scan_LinkUnderANameThatIsNeeded_IsMovedOutOfTheWayAndRejected(string name)
    {
        File.WriteAllText(Path.Combine(_bench.Outside, "kept"), "kept");
        if (name != ".new-samples") Directory.Delete(_bench.PathOf(name));
        File.CreateSymbolicLink(_bench.PathOf(name), name == ".new-samples" ? Path.Combine(_bench.Outside, "kept") : _bench.Outside);
        _bench.Put("good.json", DropBench.Good);

        _bench.ScanWhenStill().Should().Be(1);

        _bench.Accepted.Should().ContainSingle();
        _bench.Rejected.Should().Equal($"{name.TrimStart('.')}-2", $"{name.TrimStart('.')}-2.reason.json");
        NewSamples.Read(_bench.Drops).Count.Should().Be(1);
        Directory.GetFileSystemEntries(_bench.Outside).Should().ContainSingle();
        File.ReadAllText(Path.Combine(_bench.Outside, "kept")).Should().Be("kept");
    }

    [Fact]
    public void Scan_DataThatIsLongAndMeantForATerminal_GivesAReasonThatIsNeither()
    {
        _bench.Put("roles.jsonl", $$"""{"messages": [{"role": "\u001b[2J{{new string('r', 1 << 20)}}", "content": "a"}]}""");

        _bench.ScanWhenStill();

        _bench.Reason("roles.jsonl").Reason.Should().StartWith("roles.jsonl, line 1: message 1 has the role '%1B[2Jrrr").And.Match(reason => reason.Length < 10_000);
    }

    [Theory]
    [InlineData("accepted")]
    [InlineData("rejected")]
    public void Scan_FileUnderANameThatIsNeeded_IsMovedOutOfTheWayAndRejected(string name)
    {
        Directory.Delete(_bench.PathOf(name));
        _bench.Put(name, "a file");

        _bench.ScanWhenStill();

        _bench.Left.Should().BeEmpty();
        _bench.Rejected.Should().Equal($"{name}-2", $"{name}-2.reason.json");
    }

    [UnixFact]
    public void Scan_PipeUnderTheNameOfTheNote_HoldsNothingUp()
    {
        DropBench.Run("mknod", _bench.PathOf(".new-samples"), "p");
        NewSamples.Read(_bench.Drops).Count.Should().Be(1, "nobody can tell how many there are");

        _bench.Put("good.json", DropBench.Good);
        _bench.ScanWhenStill().Should().Be(1);

        _bench.Rejected.Should().Equal("new-samples-2", "new-samples-2.reason.json");
    }

    private void IsRejectedUnopened(params string[] type)
    {
        DropBench.Run("mknod", [_bench.PathOf("x.json"), .. type]);

        _bench.ScanWhenStill().Should().Be(0);

        _bench.Left.Should().BeEmpty();
        _bench.Rejected.Should().Equal("x.json", "x.json.reason.json");
        _bench.Reason("x.json").Reason.Should().Contain("a pipe, a socket or a device");
    }

    [UnixFact]
    public void OpenRead_LinkOrPipeThatTookTheFilesPlace_IsNotOpened()
    {
        File.CreateSymbolicLink(_bench.PathOf("link"), _bench.Folder.Write("target", "x"));
        DropBench.Run("mknod", _bench.PathOf("pipe"), "p");

        FluentActions.Invoking(() => DropFiles.OpenRead(_bench.PathOf("link"))).Should().Throw<IOException>();
        FluentActions.Invoking(() => DropFiles.OpenRead(_bench.PathOf("pipe"))).Should().Throw<IOException>().WithMessage("*not a file*");
    }

    [Fact]
    public void Move_TargetExists_ReplacesNothing()
    {
        var (one, two) = (_bench.Put("one", "1"), _bench.Put("two", "2"));

        FluentActions.Invoking(() => DropFiles.Move(one, two)).Should().Throw<IOException>();

        (File.ReadAllText(one), File.ReadAllText(two)).Should().Be(("1", "2"));
    }
}
