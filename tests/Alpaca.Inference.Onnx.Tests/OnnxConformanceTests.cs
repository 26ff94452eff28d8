using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>The generator's behaviour with GroupQueryAttention's cache in place.</summary>
public sealed class OnnxConformanceTests(ExportedFixture fixture) : TextGeneratorConformance, IClassFixture<ExportedFixture>
{
    protected override KnownAnswer Known => fixture.Known;

    protected override Task<ITextGenerator> LoadAsync(InferenceOptions options) => new OnnxBackend().LoadAsync(fixture.Plain, options);
}

/// <summary>The same with a cache that is handed on from pass to pass.</summary>
public sealed class OnnxGrowingCacheConformanceTests(ExportedFixture fixture) : TextGeneratorConformance, IClassFixture<ExportedFixture>
{
    protected override KnownAnswer Known => fixture.Known;

    protected override async Task<ITextGenerator> LoadAsync(InferenceOptions options)
        => await Text.BatchedTextGenerator.StartAsync(
            () => Decoders.Open(fixture.Plain, options.MaxConcurrency + 1, options.ContextLength == 0 ? 512 : options.ContextLength, isGrowing: true), options.ReusePrefixes);
}

/// <summary>Adapters beside the model.</summary>
public sealed class OnnxAdapterConformanceTests(ExportedFixture fixture) : AdapterConformance, IClassFixture<ExportedFixture>
{
    protected override IReadOnlyList<AdapterSource> Adapters => fixture.Adapters;

    protected override Task<ITextGenerator> LoadAsync(InferenceOptions options) => new OnnxBackend().LoadAsync(fixture.WithAdapterInputs, options);
}

/// <summary>The tiny model, exported once for a class of tests.</summary>
public sealed class ExportedFixture : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public KnownAnswer Known { get; private set; } = new([], [], []);

    public string Plain => _folder.Combine("plain");

    public string WithAdapterInputs => _folder.Combine("with-adapter-inputs");

    public IReadOnlyList<AdapterSource> Adapters => [new("one", _folder.Combine("one")), new("two", _folder.Combine("two"))];

    public async Task InitializeAsync()
    {
        var fixture = LlamaFixture.Load("plain");
        Known = new KnownAnswer(fixture.Prompt, fixture.Logits, fixture.Greedy);
        await new OnnxExporter().ExecuteAsync(new ExportRequest { Model = fixture.Folder }, StageContexts.In(_folder, "plain"));
        await new OnnxExporter().ExecuteAsync(new ExportRequest { Model = fixture.Folder, AdapterInputs = true }, StageContexts.In(_folder, "with-adapter-inputs"));
        var config = LlamaConfig.Load(fixture.Folder);
        RandomAdapter.Write(Adapters[0].Folder, config, seed: 4);
        RandomAdapter.Write(Adapters[1].Folder, config, seed: 5, rank: 2, saved: ["embed_tokens", "lm_head"]);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _folder.Dispose();
}
