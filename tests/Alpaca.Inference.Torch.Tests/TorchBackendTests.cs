using Alpaca.Abstractions;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Inference.Torch.Tests;

public sealed class TorchBackendTests
{
    private static readonly GenerationOptions Greedy = new() { Temperature = 0, RepetitionPenalty = 1, MaxNewTokens = 16, ReturnLogits = true };

    private readonly TorchBackend _backend = new();

    [Fact]
    public async Task GenerateAsync_StoredModel_GivesPyTorchsLogitsAndTokens()
    {
        var expected = TinyGqa.Expected;
        using var generator = await _backend.LoadAsync(TinyGqa.Folder, new InferenceOptions());

        var tokens = await generator.GenerateAsync(expected.PromptIds, Greedy).ToListAsync();

        tokens.Select(token => token.Id).Should().Equal(expected.Greedy);
        tokens[0].Logits.Length.Should().Be(generator.VocabularySize);
        tokens[0].Logits[..64].ToArray().Zip(expected.LastLogits, (actual, reference) => Math.Abs(actual - reference)).Max().Should().BeLessThan(1e-4f);
    }

    [Fact]
    public async Task GenerateAsync_SequencesAtTheSameTime_GetWhatTheyGetAlone()
    {
        using var generator = await _backend.LoadAsync(TinyGqa.Folder, new InferenceOptions());
        int[][] prompts = [.. Enumerable.Range(0, 6).Select(i => new[] { 1, 40 + i, 80, 200 + i })];
        var alone = new List<int[]>();
        foreach (var prompt in prompts) alone.Add(await IdsAsync(prompt));

        var together = await Task.WhenAll(prompts.Select(IdsAsync));

        together.Should().BeEquivalentTo(alone, options => options.WithStrictOrdering());

        async Task<int[]> IdsAsync(int[] prompt) => [.. (await generator.GenerateAsync(prompt, Greedy).ToListAsync()).Select(token => token.Id)];
    }

    [Theory]
    [InlineData(Precision.Bf16)]
    [InlineData(Precision.Fp16)]
    public async Task GenerateAsync_SixteenBitWeights_StaysNearFloat32(Precision precision)
    {
        using var exact = await _backend.LoadAsync(TinyGqa.Folder, new InferenceOptions());
        using var generator = await _backend.LoadAsync(TinyGqa.Folder, new InferenceOptions { Precision = precision });
        var options = Greedy with { MaxNewTokens = 1 };

        var reference = (await exact.GenerateAsync(TinyGqa.Expected.PromptIds, options).ToListAsync())[0].Logits.ToArray();
        var logits = (await generator.GenerateAsync(TinyGqa.Expected.PromptIds, options).ToListAsync())[0].Logits.ToArray();

        logits.Zip(reference, (actual, expected) => Math.Abs(actual - expected)).Max().Should().BeInRange(1e-6f, 0.15f);
    }

    [Fact]
    public async Task LoadAsync_NoContextLength_TakesTheModels()
    {
        using var generator = await _backend.LoadAsync(TinyGqa.Folder, new InferenceOptions());
        generator.ContextLength.Should().Be(256);
        generator.VocabularySize.Should().Be(400);
    }

    [Fact]
    public async Task GenerateAsync_ContextLength_EndsTheSequence()
    {
        using var generator = await _backend.LoadAsync(TinyGqa.Folder, new InferenceOptions { ContextLength = 10 });
        (await generator.GenerateAsync([1, 5, 6, 7], Greedy).ToListAsync()).Should().HaveCount(6);
    }

    [Fact]
    public async Task LoadAsync_ContextLongerThanTheModels_NamesBoth()
    {
        var act = () => _backend.LoadAsync(TinyGqa.Folder, new InferenceOptions { ContextLength = 257 });
        (await act.Should().ThrowAsync<AlpacaUsageException>()).WithMessage("ContextLength is 257*256*");
    }

    [Fact]
    public async Task LoadAsync_OnnxExport_SaysWhichStageMakesTheRightFolder()
    {
        using var folder = new TemporaryFolder();
        folder.Write("model.onnx", "");
        folder.Write("config.json", "{}");

        var act = () => _backend.LoadAsync(folder.Path, new InferenceOptions());

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage($"{folder.Path} holds an ONNX model*convert or merge*");
    }

    [Fact]
    public async Task LoadAsync_Adapter_SaysItMustBeMerged()
    {
        using var folder = new TemporaryFolder();
        folder.Write("adapter_config.json", "{}");
        var act = () => _backend.LoadAsync(folder.Path, new InferenceOptions());
        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage("*LoRA adapter*stage merge*");
    }

    [Fact]
    public async Task LoadAsync_NoSuchFolder_NamesIt()
    {
        var act = () => _backend.LoadAsync("/no/such/model", new InferenceOptions());
        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage("*/no/such/model*");
    }

    [Fact]
    public async Task LoadAsync_CudaThatIsNotThere_SaysWhatToDo()
    {
        var act = () => _backend.LoadAsync(TinyGqa.Folder, new InferenceOptions { Device = "cuda:99" });
        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage("Device cuda:99 is not available*");
    }

    [Fact]
    public async Task LoadAsync_SeveralWrongOptions_NamesThemAll()
    {
        var act = () => _backend.LoadAsync(TinyGqa.Folder, new InferenceOptions { Threads = -1, ContextLength = -2, Device = "gpu", Precision = Precision.Int8 });
        (await act.Should().ThrowAsync<AlpacaUsageException>()).WithMessage("*Threads is -1*").WithMessage("*ContextLength is -2*").WithMessage("*gpu*").WithMessage("*int8*");
    }

    [Fact]
    public async Task LoadAsync_Cancelled_LoadsNothing()
    {
        using var source = new CancellationTokenSource();
        await source.CancelAsync();
        var act = () => _backend.LoadAsync(TinyGqa.Folder, new InferenceOptions(), source.Token);
        await act.Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task GenerateAsync_CancelledBetweenTokens_Ends()
    {
        using var generator = await _backend.LoadAsync(TinyGqa.Folder, new InferenceOptions());
        using var source = new CancellationTokenSource();
        var seen = 0;

        var act = async () =>
        {
            await foreach (var _ in generator.GenerateAsync([1, 5], Greedy, source.Token))
                if (++seen == 3) await source.CancelAsync();
        };

        await act.Should().ThrowAsync<OperationCanceledException>();
        seen.Should().Be(3);
    }

    [Fact]
    public void ConfigureServices_Plugin_OffersTheBackendTorch()
    {
        var services = new ServiceCollection();
        new InferenceTorchPlugin().ConfigureServices(services, null!);
        services.Single(service => service.ServiceType == typeof(IInferenceBackend)).ImplementationType.Should().Be<TorchBackend>();
        _backend.Name.Should().Be("Torch");
    }
}
