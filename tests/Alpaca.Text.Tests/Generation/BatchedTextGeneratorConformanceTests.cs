using System.Numerics.Tensors;
using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

public sealed class BatchedTextGeneratorConformanceTests : TextGeneratorConformance
{
    protected override KnownAnswer Known { get; } = Continue([1, 30, 7, 7], 9);

    protected override async Task<ITextGenerator> LoadAsync(InferenceOptions options) => await HashModel.LoadAsync(options);

    private static KnownAnswer Continue(List<int> ids, int count)
    {
        var prompt = ids.ToArray();
        for (var i = 0; i < count; i++) ids.Add(TensorPrimitives.IndexOfMax(HashDecoder.LogitsAfter(ids, null)));
        return new KnownAnswer(prompt, HashDecoder.LogitsAfter(prompt, null), ids[prompt.Length..]);
    }
}

public sealed class BatchedTextGeneratorAdapterTests : AdapterConformance
{
    protected override IReadOnlyList<AdapterSource> Adapters { get; } = [new("adapter-0", ""), new("adapter-1", "")];

    protected override async Task<ITextGenerator> LoadAsync(InferenceOptions options) => await HashModel.LoadAsync(options);
}

internal static class HashModel
{
    public static Task<BatchedTextGenerator> LoadAsync(InferenceOptions options)
    {
        var context = options.ContextLength == 0 ? 256 : options.ContextLength;
        return BatchedTextGenerator.StartAsync(() => new HashDecoder(options.MaxConcurrency + 1, context, options.Adapters.Count), options.ReusePrefixes);
    }
}
