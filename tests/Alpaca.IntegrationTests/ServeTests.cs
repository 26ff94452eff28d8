using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Alpaca.IntegrationTests;

/// <summary>The worker: a dropped file starts its pipeline, and a stop signal ends it in order.</summary>
[Trait("Category", "Slow")]
public sealed partial class ServeTests : IDisposable
{
    private const int SigTerm = 15;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Serve_GoodAndBadDrop_AcceptsOneRunsThePipelineAndRejectsTheOther()
    {
        var config = WriteConfiguration();
        using var serve = AlpacaProcess.Start("serve", "--config", config, "--urls", "http://127.0.0.1:0");
        var log = serve.StandardError.ReadToEndAsync();
        var drops = _folder.Combine("drops");
        await WaitForAsync(() => Directory.Exists(Path.Combine(drops, "accepted")) && Directory.Exists(Path.Combine(drops, "rejected")), serve);

        _folder.WriteWhole("drops/good.json", await File.ReadAllTextAsync(Sample.Validation));
        _folder.WriteWhole("drops/bad.json", "no JSON");
        await WaitForAsync(() => Directory.GetFiles(Path.Combine(drops, "accepted")).Length == 1 && Directory.GetFiles(Path.Combine(drops, "rejected"), "*.reason.json").Length == 1, serve);
        await WaitForAsync(() => Directory.Exists(_folder.Combine("workspace", "artifacts", "tokenizer")) && Directory.GetFiles(_folder.Combine("workspace", "artifacts", "tokenizer"), "manifest.json", SearchOption.AllDirectories).Length == 1, serve);
        await WaitForAsync(() => RunsAsync(config).GetAwaiter().GetResult().Contains("Succeeded", StringComparison.OrdinalIgnoreCase), serve);

        Kill(serve.Id, SigTerm).Should().Be(0);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        await serve.WaitForExitAsync(limit.Token);

        serve.ExitCode.Should().Be(0, "standard error was: {0}", await log);
        Directory.GetFiles(drops).Should().BeEmpty("every drop was moved");
    }

    private static async Task<string> RunsAsync(string config) => (await AlpacaProcess.RunAsync("runs", "--config", config, "--json")).ShouldSucceed().Output;

    private string WriteConfiguration() => _folder.Write("appsettings.json", $$"""
        {
          "Workspace": "workspace",
          "DefaultPipeline": "tokenizer",
          "Pipelines": {
            "tokenizer": {
              "Stages": {
                "download": { "Source": "{{Sample.Weights}}", "ModelSize": "tiny" },
                "merge-tokenizers": { "ChineseSpModelFile": "{{Sample.ChineseModel}}" }
              },
              "Drops": { "Folder": "drops", "QuietSeconds": 1 }
            }
          }
        }
        """);

    private static async Task WaitForAsync(Func<bool> condition, Process process)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while (!condition())
        {
            process.HasExited.Should().BeFalse();
            await Task.Delay(200, limit.Token);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
