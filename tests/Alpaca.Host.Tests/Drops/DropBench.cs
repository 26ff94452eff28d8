using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Alpaca.Host.Tests;

/// <summary>A drop folder with its scanner, a clock that stands still, and a neighbouring folder that nothing may touch.</summary>
internal sealed class DropBench : IDisposable
{
    public const string Good = """[{"instruction": "中国的首都？", "input": "", "output": "北京。"}]""";
    private readonly RecordingLog _log = new();
    private readonly ILogger _logger;

    public DropBench(string? folder = null)
    {
        Drops = new DropFolder(folder ?? Folder.Combine("drops"), TimeSpan.FromSeconds(5));
        Drops.Create();
        Outside = Folder.CreateFolder("outside");
        _logger = _log.CreateLogger("drops");
        Scanner = NewScanner();
    }

    public TemporaryFolder Folder { get; } = new();

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public DropFolder Drops { get; }

    public string Outside { get; }

    public DropScanner Scanner { get; }

    public bool IsBusy { get; set; }

    public IReadOnlyList<string> Warnings => _log.Lines.Where(line => line.StartsWith("Warning", StringComparison.Ordinal)).ToList();

    /// <summary>The scanner of another worker over the same folder.</summary>
    public DropScanner NewScanner() => new("notes", Drops, TestMetrics.Create(), Time, _logger);

    public int Scan(DropScanner? scanner = null, CancellationToken cancellationToken = default)
    {
        Drops.Create();
        return (scanner ?? Scanner).Scan(
            action =>
            {
                if (!IsBusy) action();
                return !IsBusy;
            },
            cancellationToken);
    }

    public int ScanWhenStill(DropScanner? scanner = null)
    {
        var accepted = Scan(scanner);
        Time.Advance(Drops.Quiet);
        return accepted + Scan(scanner);
    }

    public string PathOf(string name) => Path.Combine(Drops.Path, name);

    public string Put(string name, string content)
    {
        File.WriteAllText(PathOf(name), content);
        return PathOf(name);
    }

    public static string Row(int number) => $$"""[{"instruction": "{{number}}", "output": "{{number}}"}]""";

    public DropReason Reason(string rejected) => DropReason.TryRead(Path.Combine(Drops.Rejected, rejected)) ?? throw new FileNotFoundException($"No reason beside {rejected}: {string.Join(", ", Rejected)}");

    public IReadOnlyList<string> Accepted => Names(Drops.Accepted);

    public IReadOnlyList<string> Rejected => Names(Drops.Rejected);

    /// <summary>What still lies in the folder, but for its own files and folders.</summary>
    public IReadOnlyList<string> Left => [.. Names(Drops.Path).Except([".new-samples", "accepted", "rejected"])];

    public static string Sha256(string content) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));

    public static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, mode);
    }

    /// <summary>Runs a program to its end.</summary>
    public static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        process.ExitCode.Should().Be(0);
    }

    /// <summary>Writes a file whose name is given as printf takes it, with bytes such as <c>\377</c>.</summary>
    public void PutRaw(string name, string content) => Run("sh", "-c", "mv \"$1\" \"$(printf \"$2\")\"", "sh", Folder.Write("raw", content), PathOf(name));

    public void Dispose()
    {
        Folder.Dispose();
        _log.Dispose();
    }

    private static List<string> Names(string folder) => DropFiles.Names(folder);
}
