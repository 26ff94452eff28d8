using System.Diagnostics;

namespace Alpaca.IntegrationTests;

/// <summary>The README's first command, and what a user does after it.</summary>
[Trait("Category", "Slow")]
public sealed class SampleRunTests : IDisposable
{
    private static readonly string[] Stages = ["download", "convert", "merge-tokenizers", "train", "merge", "export", "evaluate"];
    private readonly TemporaryFolder _folder = new();

    private string Workspace => _folder.Combine("workspace");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_Sample_EndsWithTheRightAnswerFromBothBackendsAndIsThenUpToDate()
    {
        var first = (await AlpacaProcess.RunAsync("run", "--workspace", Workspace)).ShouldSucceed();

        first.Output.Should().MatchRegex("Torch: .*北京").And.MatchRegex("Onnx: .*北京");
        Answer(first, "Torch").Should().Be(Answer(first, "Onnx"));

        var plan = (await AlpacaProcess.RunAsync("plan", "--workspace", Workspace, "--json")).ShouldSucceed().Json;
        plan.EnumerateArray().Select(s => s.GetProperty("stage").GetString()).Should().Equal(Stages);
        plan.EnumerateArray().Should().OnlyContain(s => s.GetProperty("upToDate").GetBoolean());

        var artifacts = Sample.Snapshot(Path.Combine(Workspace, "artifacts"));
        var second = (await AlpacaProcess.RunAsync("run", "--workspace", Workspace)).ShouldSucceed();
        Answer(second, "Torch").Should().Be(Answer(first, "Torch"));
        Sample.Snapshot(Path.Combine(Workspace, "artifacts")).Should().Equal(artifacts);
        (await AlpacaProcess.RunAsync("runs", "--workspace", Workspace, "--json")).ShouldSucceed().Json.GetArrayLength().Should().Be(2);
    }

    [Fact]
    public async Task Run_KilledInTraining_GoesOnAndLeavesNothingHalf()
    {
        using (var killed = AlpacaProcess.Start("run", "--workspace", Workspace))
        {
            _ = killed.StandardOutput.ReadToEndAsync();
            _ = killed.StandardError.ReadToEndAsync();
            await WaitForAsync(() => Directory.Exists(Path.Combine(Workspace, "resume")) && Directory.GetDirectories(Path.Combine(Workspace, "resume"), "checkpoint-*", SearchOption.AllDirectories).Length > 0, killed);
            killed.Kill(entireProcessTree: true); // SIGKILL
            await killed.WaitForExitAsync();
        }

        var finished = Sample.Snapshot(Path.Combine(Workspace, "artifacts"));
        var resumed = (await AlpacaProcess.RunAsync("run", "--workspace", Workspace)).ShouldSucceed();

        resumed.Output.Should().MatchRegex("Torch: .*北京");
        var now = Sample.Snapshot(Path.Combine(Workspace, "artifacts"));
        foreach (var (name, digest) in finished.Where(f => !f.Key.Contains(".partial", StringComparison.Ordinal))) now.Should().Contain(name, digest);
        var last = (await AlpacaProcess.RunAsync("runs", "--workspace", Workspace, "--json")).ShouldSucceed().Json;
        last.GetArrayLength().Should().Be(2);
        Directory.GetDirectories(Path.Combine(Workspace, "artifacts"), "*", SearchOption.AllDirectories)
            .Where(d => Path.GetDirectoryName(Path.GetDirectoryName(d)) == Path.Combine(Workspace, "artifacts"))
            .Should().OnlyContain(d => File.Exists(Path.Combine(d, "manifest.json")), "every artifact folder is whole").And.HaveCount(Stages.Length);
    }

    private static string Answer(ProcessResult run, string backend)
        => run.Output.Split('\n').Single(line => line.StartsWith($"{backend}: ", StringComparison.Ordinal))[(backend.Length + 2)..].Trim();

    private static async Task WaitForAsync(Func<bool> condition, Process process)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while (!condition())
        {
            process.HasExited.Should().BeFalse("the run is to be killed before it ends");
            await Task.Delay(100, limit.Token);
        }
    }
}
