using Alpaca.Abstractions;

namespace Alpaca.Inference.Torch.Tests;

/// <summary>The suite that all backends pass.</summary>
public sealed class TorchConformanceTests : TextGeneratorConformance
{
    protected override KnownAnswer Known { get; } = new(TinyGqa.Expected.PromptIds, TinyGqa.Expected.LastLogits, TinyGqa.Expected.Greedy);

    protected override Task<ITextGenerator> LoadAsync(InferenceOptions options) => new TorchBackend().LoadAsync(TinyGqa.Folder, options);
}
