using System.Text.Json;

namespace Alpaca.IntegrationTests;

/// <summary>The sample's evaluation: a model that has learned to answer, and copies of it that were damaged.</summary>
[Trait("Category", "Slow")]
public sealed class EvaluationTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private JsonElement _run;

    private string Model => ArtifactOf("merge");

    public async Task InitializeAsync()
        => _run = (await AlpacaProcess.RunAsync("run", "--workspace", _folder.Combine("workspace"), "--json")).ShouldSucceed().Json.GetProperty("run");

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Evaluate_SampleAndDamagedCopies_TellsThemApart()
    {
        var metrics = Stage("evaluate").GetProperty("metrics");
        metrics.GetProperty("smokePassed").GetDouble().Should().Be(1);
        metrics.GetProperty("smokeLooped").GetDouble().Should().Be(0);
        metrics.GetProperty("backendDifference").GetDouble().Should().BeInRange(0, 1e-3, "the pipeline exported the model before it was evaluated");
        metrics.GetProperty("backendGreedyAgreement").GetDouble().Should().BeGreaterThan(0.9);

        var itself = await EvaluateAsync("itself", "--model", Model, "--champion", Model, "--forms", ArtifactOf("export"));
        itself.GetProperty("validation").GetProperty("loss").GetDouble().Should().Be(itself.GetProperty("championValidation").GetProperty("loss").GetDouble());
        itself.GetProperty("probe").GetProperty("loss").GetDouble().Should().Be(itself.GetProperty("championProbe").GetProperty("loss").GetDouble());

        var damaged = await EvaluateAsync("damaged", "--model", CopyDamaged(Model, "damaged-model", "model.safetensors"), "--champion", Model);
        damaged.GetProperty("validation").GetProperty("loss").GetDouble().Should().BeGreaterThan(1.5 * damaged.GetProperty("championValidation").GetProperty("loss").GetDouble());
        damaged.GetProperty("smoke").GetProperty("passed").GetDouble().Should().BeLessThan(0.5);

        var form = await EvaluateAsync("form", "--model", Model, "--forms", CopyDamaged(ArtifactOf("export"), "damaged-form", "model.onnx.data"));
        form.GetProperty("forms")[0].GetProperty("difference").GetDouble().Should().BeGreaterThan(0.1);
        form.GetProperty("forms")[0].GetProperty("meanDifference").GetDouble().Should().BeGreaterThan(0.4);
        form.GetProperty("forms")[0].GetProperty("greedyAgreement").GetDouble().Should().BeLessThan(0.9);
        form.GetProperty("smoke").GetProperty("passed").GetDouble().Should().Be(1, "the model itself is whole");
    }

    [Fact]
    public async Task Run_ExportOf4BitsAndTheDefaultRules_IsPromoted()
    {
        string[] arguments = ["run", "--workspace", _folder.Combine("workspace"), "--set", "Stages:export:Precision=int4", "--set", "Pipelines:sample:Promotion:Automatic=true", "--json"];
        _run = (await AlpacaProcess.RunAsync(arguments)).ShouldSucceed().Json.GetProperty("run");

        var metrics = Stage("evaluate").GetProperty("metrics");
        metrics.GetProperty("backendDifference").GetDouble().Should().BeGreaterThan(0.01, "4 bits are not what float32 is");
        metrics.GetProperty("backendMeanDifference").GetDouble().Should().BeLessThan(0.4);
        _run.GetProperty("verdict").GetProperty("outcome").GetString().Should().Be("Promoted", _run.GetProperty("verdict").GetRawText());
    }

    private JsonElement Stage(string name) => _run.GetProperty("stages").EnumerateArray().Single(stage => stage.GetProperty("name").GetString() == name);

    private string ArtifactOf(string stage) => Stage(stage).GetProperty("artifactFolder").GetString()!;

    private async Task<JsonElement> EvaluateAsync(string name, params string[] options)
    {
        var output = _folder.Combine(name);
        string[] arguments = ["stage", "evaluate", "--validation-file", Sample.Validation, "--probe-file", Sample.Validation, "--max-seq-length", "128", "--output-dir", output, .. options];
        (await AlpacaProcess.RunAsync(null, arguments)).ShouldSucceed();
        return JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(output, "report.json"))).RootElement;
    }

    /// <summary>A copy whose weights are zero in the middle half of a file.</summary>
    private string CopyDamaged(string folder, string name, string weights)
    {
        var copy = _folder.CreateFolder(name);
        foreach (var file in Directory.GetFiles(folder)) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        var path = Path.Combine(copy, weights);
        var bytes = File.ReadAllBytes(path);
        bytes.AsSpan(bytes.Length / 4, bytes.Length / 2).Clear();
        File.WriteAllBytes(path, bytes);
        return copy;
    }
}
