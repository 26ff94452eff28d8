using System.Text.Json;

namespace Alpaca.IntegrationTests;

/// <summary>Third parties' plugins dropped into a folder, beside the built-in ones.</summary>
public sealed class ThirdPartyPluginTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_ThirdPartyTorchStageAfterTraining_BothComputeInOneProcess()
    {
        var config = WriteConfiguration();

        (await AlpacaProcess.RunAsync("run", "--config", config)).ShouldSucceed();

        var trace = Directory.GetFiles(_folder.Combine("workspace", "artifacts", "acme-gram"), "trace.txt", SearchOption.AllDirectories).Single();
        (await File.ReadAllTextAsync(trace)).Should().Be("25");
        Directory.GetFiles(_folder.Combine("workspace", "artifacts", "adapter"), "adapter_model.safetensors", SearchOption.AllDirectories).Should().HaveCount(1);
    }

    [Fact]
    public async Task Plugins_WrongContractAndThrowingPlugin_AreReportedAndTheRestWorks()
    {
        var plugins = (await AlpacaProcess.RunAsync("plugins", "--config", WriteConfiguration(), "--json")).ShouldSucceed().Json;

        var states = plugins.EnumerateArray().ToDictionary(p => p.GetProperty("name").GetString()!, p => (State: p.GetProperty("state").GetString(), Reason: Text(p, "reason")));
        states["Acme.WrongContract"].State.Should().BeEquivalentTo("Incompatible");
        states["Acme.WrongContract"].Reason.Should().Contain("2.0.0.0");
        states["Acme.ThrowsAtLoad"].State.Should().BeEquivalentTo("Faulted");
        states["Acme.ThrowsAtLoad"].Reason.Should().Contain("licence has expired");
        states.Where(s => s.Key is not ("Acme.WrongContract" or "Acme.ThrowsAtLoad")).Should().HaveCountGreaterThan(8).And.OnlyContain(s => s.Value.State == "Active" || s.Value.State == "active");
    }

    [LinuxFact]
    public async Task Serve_NothingComputesYet_KnowsAllPluginsAndHasNoLibtorch()
    {
        using var serve = new ServedProcess(_folder.Write("none.json", "{}"));
        using var client = await serve.ConnectAsync();

        using var plugins = JsonDocument.Parse(await client.GetStringAsync("api/plugins"));

        plugins.RootElement.EnumerateArray().Select(plugin => (plugin.GetProperty("name").GetString(), plugin.GetProperty("state").GetString()!.ToLowerInvariant())).Should()
            .Contain([("Alpaca.Training", "active"), ("Alpaca.Inference.Torch", "active"), ("Alpaca.Evaluation", "active")]);
        (await File.ReadAllTextAsync($"/proc/{serve.Process.Id}/maps")).Should().NotContain("libtorch", "a service that computes in other processes needs none");
    }

    private static string Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    private string WriteConfiguration() => _folder.Write("appsettings.json", JsonSerializer.Serialize(new
    {
        Plugins = new { Folder = Path.Combine(AppContext.BaseDirectory, "TestPlugins") },
        Pipelines = new
        {
            mixed = new
            {
                Stages = new Dictionary<string, object>
                {
                    ["download"] = new { Source = Sample.Weights, ModelSize = "tiny" },
                    ["convert"] = new { },
                    ["train"] = new { DatasetDir = Sample.Validation, TrainingSteps = 1, MaxSeqLength = 64 },
                    ["acme-gram"] = new { Values = new[] { 3, 4 } },
                },
            },
        },
    }));
}
