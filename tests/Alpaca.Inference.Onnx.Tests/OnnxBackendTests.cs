using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx.Tests;

public sealed class OnnxBackendTests : IDisposable
{
    private static readonly GenerationOptions Greedy = new() { Temperature = 0, RepetitionPenalty = 1, MaxNewTokens = 16 };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(LlamaFixture.Names), MemberType = typeof(LlamaFixture))]
    public async Task Generate_Greedy_EqualsPyTorch(string name)
    {
        var fixture = LlamaFixture.Load(name);
        using var generator = await new OnnxBackend().LoadAsync(await ExportAsync(fixture.Folder), new InferenceOptions());

        (await GenerateAsync(generator, fixture.Prompt)).Should().Equal(fixture.Greedy);
    }

    [Fact]
    public async Task Generate_SeveralPromptsAtOnce_EachEqualsItsOwnRun()
    {
        var fixture = LlamaFixture.Load("plain");
        using var generator = await new OnnxBackend().LoadAsync(await ExportAsync(fixture.Folder), new InferenceOptions { Threads = 1 });
        var prompts = Enumerable.Range(5, 6).Select(length => fixture.Prompt[..length]).ToList();
        var alone = new List<IReadOnlyList<int>>();
        foreach (var prompt in prompts) alone.Add(await GenerateAsync(generator, prompt));

        var together = await Task.WhenAll(prompts.Select(prompt => GenerateAsync(generator, prompt)));

        together.Should().BeEquivalentTo(alone, o => o.WithStrictOrdering());
    }

    [Fact]
    public async Task Load_ExportedModel_HasTheModelsSizes()
    {
        var folder = await ExportAsync(LlamaFixture.Load("plain").Folder);

        using var whole = await new OnnxBackend().LoadAsync(folder, new InferenceOptions());
        using var shorter = await new OnnxBackend().LoadAsync(folder, new InferenceOptions { ContextLength = 100 });

        whole.VocabularySize.Should().Be(160);
        whole.ContextLength.Should().Be(512);
        shorter.ContextLength.Should().Be(100);
    }

    [Theory]
    [InlineData(Precision.Fp32, false)]
    [InlineData(Precision.Fp32, true)]
    [InlineData(Precision.Int4, false)]
    [InlineData(Precision.Int4, true)]
    public async Task Generate_FilesCutOrOverwrittenSinceLoading_GoesOn(Precision precision, bool isOverwritten)
    {
        var fixture = LlamaFixture.Load("plain");
        var folder = await ExportAsync(fixture.Folder, precision);
        using var generator = await new OnnxBackend().LoadAsync(folder, new InferenceOptions());
        var before = await GenerateAsync(generator, fixture.Prompt);

        foreach (var file in (string[])[OnnxFiles.Data, OnnxFiles.Model])
        {
            // In place, as `cp` does it: the file that is mapped becomes shorter, or other.
            using var stream = new FileStream(Path.Combine(folder, file), FileMode.Open, FileAccess.ReadWrite);
            if (isOverwritten) stream.Write(new byte[stream.Length]);
            else stream.SetLength(0);
        }

        (await GenerateAsync(generator, fixture.Prompt)).Should().Equal(before);
        (await GenerateAsync(generator, [1, .. Enumerable.Range(3, 150)])).Should().NotBeEmpty("rows of the embedding are read that were not before");
    }

    [Fact]
    public async Task Load_HuggingFaceFolder_NamesTheCommandThatExportsIt()
    {
        var folder = LlamaFixture.Load("plain").Folder;

        await ShouldFailAsync(folder, $"{folder} holds no model.onnx; run `alpaca stage export --model {folder} --output-dir <dir>` first*");
    }

    [Fact]
    public Task Load_MissingFolder_SaysSo() => ShouldFailAsync(_folder.Combine("nowhere"), "*nowhere does not exist*");

    [Fact]
    public async Task Load_DataFileMissing_NamesIt()
    {
        var folder = await ExportAsync(LlamaFixture.Load("plain").Folder);
        File.Delete(Path.Combine(folder, OnnxFiles.Data));

        await ShouldFailAsync(folder, "*model.onnx.data*missing*export*");
    }

    [Fact]
    public async Task Load_DataFileCut_NamesIt()
    {
        var folder = await ExportAsync(LlamaFixture.Load("plain").Folder);
        using (var data = File.OpenWrite(Path.Combine(folder, OnnxFiles.Data))) data.SetLength(data.Length - 1);

        await ShouldFailAsync(folder, "*model.onnx.data*too short*");
    }

    [Fact]
    public async Task Load_GraphCut_NamesIt()
    {
        var folder = await ExportAsync(LlamaFixture.Load("plain").Folder);
        using (var graph = File.OpenWrite(Path.Combine(folder, OnnxFiles.Model))) graph.SetLength(graph.Length / 2);

        await ShouldFailAsync(folder, "*model.onnx is not an intact ONNX model*");
    }

    [Fact]
    public async Task Load_GraphThatOnnxRuntimeRefuses_IsOneSentence()
    {
        // A graph whose node uses a value that does not exist.
        var graph = new OnnxGraph("g", [new OnnxNode("n", "", "Identity", ["nothing"], ["y"], [])], [], [], [new OnnxValue("y", OnnxType.Float, [1])]);
        WriteModel(graph);

        await ShouldFailAsync(_folder.Path, "ONNX Runtime cannot load *model.onnx*export the model again.");
    }

    [Fact]
    public async Task Load_OtherKindOfModel_NamesWhatIsMissing()
    {
        var graph = new OnnxGraph(
            "g", [new OnnxNode("n", "", "Identity", ["x"], ["y"], [])], [], [new OnnxValue("x", OnnxType.Float, [1])], [new OnnxValue("y", OnnxType.Float, [1])]);
        WriteModel(graph);

        await ShouldFailAsync(_folder.Path, "*model.onnx has no floating-point input past_key_values.0.key*export stage*");
    }

    [Fact]
    public async Task Load_ConfigurationMissing_NamesIt()
    {
        var folder = await ExportAsync(LlamaFixture.Load("plain").Folder);
        File.Delete(Path.Combine(folder, OnnxFiles.Config));

        await ShouldFailAsync(folder, "*config.json*");
    }

    [Theory]
    [InlineData("cuda:1", 0, 0, Precision.Fp32, "*Device 'cuda:1'*-p:Accelerator=cuda*cpu*Torch*")]
    [InlineData("cuda:x", 0, 0, Precision.Fp32, "*Device 'cuda:x' is unknown*")]
    [InlineData("gpu", -2, 0, Precision.Fp32, "*Device 'gpu' is unknown*Threads*-2*")]
    [InlineData("cpu", -1, 0, Precision.Fp32, "*Threads*-1*")]
    [InlineData("cpu", 0, 513, Precision.Fp32, "*context length*512*513*")]
    [InlineData("cpu", 0, 0, Precision.Int8, "*precision*int8*")]
    public async Task Load_OptionsThatCannotBe_AreUsageErrors(string device, int threads, int context, Precision precision, string message)
    {
        var folder = await ExportAsync(LlamaFixture.Load("plain").Folder);
        var options = new InferenceOptions { Device = device, Threads = threads, ContextLength = context, Precision = precision };

        var load = () => new OnnxBackend().LoadAsync(folder, options);

        (await load.Should().ThrowAsync<AlpacaUsageException>()).WithMessage(message);
    }

    private static async Task<IReadOnlyList<int>> GenerateAsync(ITextGenerator generator, int[] prompt)
    {
        var ids = new List<int>();
        await foreach (var token in generator.GenerateAsync(prompt, Greedy)) ids.Add(token.Id);
        return ids;
    }

    private static async Task ShouldFailAsync(string folder, string message)
    {
        var load = () => new OnnxBackend().LoadAsync(folder, new InferenceOptions());
        (await load.Should().ThrowAsync<AlpacaException>()).WithMessage(message);
    }

    private async Task<string> ExportAsync(string model, Precision precision = Precision.Fp32)
    {
        var context = StageContexts.In(_folder);
        await new OnnxExporter().ExecuteAsync(new ExportRequest { Model = model, Precision = precision }, context);
        return context.OutputFolder;
    }

    private void WriteModel(OnnxGraph graph)
    {
        var model = new OnnxModel(10, new Dictionary<string, int> { [""] = 21 }, graph);
        File.WriteAllBytes(_folder.Combine(OnnxFiles.Model), OnnxWriter.Write(model));
        LlamaConfig.Load(LlamaFixture.Load("plain").Folder).Save(_folder.Path);
    }
}
