using FsCheck.Xunit;
using static TorchSharp.torch;

namespace Alpaca.Llama.Tests;

public sealed class KeyValueCacheTests
{
    [Theory]
    [InlineData(2, 1)]
    [InlineData(4, 2)]
    [InlineData(4, 4)]
    public void ForwardHidden_ChunkedPrefillThenSingleTokens_EqualsOneFullPass(int heads, int keyValueHeads)
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create(TinyModels.Config with { NumAttentionHeads = heads, NumKeyValueHeads = keyValueHeads, HeadDim = 8 });
        var full = model.ForwardHidden(TinyModels.Ids(20));

        using var cache = model.CreateCache(20);
        var parts = InParts(model, cache, 7, 6, 1, 1, 4, 1);

        cache.Length.Should().Be(20);
        TinyModels.MaxDifference(parts, full).Should().BeLessThan(1e-5f);
    }

    [Property(MaxTest = 20)]
    public void ForwardHidden_AnyCut_EqualsOneFullPass(byte cut)
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create();
        var first = 1 + cut % 11;

        using var cache = model.CreateCache(64);
        TinyModels.MaxDifference(InParts(model, cache, first, 12 - first), model.ForwardHidden(TinyModels.Ids(12))).Should().BeLessThan(1e-5f);
    }

    [Fact]
    public void ForwardHidden_BatchOfTwo_EqualsEachAlone()
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create();
        var ids = cat([TinyModels.Ids(6), TinyModels.Ids(6, start: 30)], 0); // [2, 6]

        using var cache = model.CreateCache(8, batch: 2);
        model.ForwardHidden(ids.narrow(1, 0, 5), cache: cache);
        var last = model.ForwardHidden(ids.narrow(1, 5, 1), cache: cache);

        TinyModels.MaxDifference(last[1], model.ForwardHidden(TinyModels.Ids(6, start: 30))[0].narrow(0, 5, 1)).Should().BeLessThan(1e-5f);
    }

    [Fact]
    public void ForwardHidden_MoreThanTheCacheHolds_ThrowsAndChangesNothing()
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create();
        using var cache = model.CreateCache(8);
        model.ForwardHidden(TinyModels.Ids(6), cache: cache);

        var act = () => model.ForwardHidden(TinyModels.Ids(3), cache: cache);

        act.Should().Throw<InvalidOperationException>().WithMessage("*6 of 8*3 more*");
        cache.Length.Should().Be(6);
    }

    private static Tensor InParts(LlamaModel model, KeyValueCache cache, params int[] lengths)
    {
        var ids = TinyModels.Ids(lengths.Sum());
        var start = 0;
        return cat([.. lengths.Select(length => model.ForwardHidden(ids.narrow(1, (start += length) - length, length), cache: cache))], 1);
    }
}
