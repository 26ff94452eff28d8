using FsCheck.Xunit;
using static TorchSharp.torch;

namespace Alpaca.Llama.Tests;

public sealed class KeyValueCacheTests
{
    [Fact]
    public void Extend_MoreThanThereIsMemoryFor_NamesTheOptionsAndKeepsWhatIsThere()
    {
        using var scope = NewDisposeScope();
        // 2^48 bytes and more for a layer's keys: more than a process can address.
        using var cache = new KeyValueCache(TinyModels.Config with { NumKeyValueHeads = 1024, HeadDim = 64 }, slots: 1, capacity: 1 << 30, ScalarType.Float32, CPU);
        cache.Extend(0, 0, 1);

        var act = () => cache.Extend(0, 0, 1 << 30);

        act.Should().Throw<Abstractions.AlpacaException>().WithMessage("*no memory*MaxConcurrency*ContextLength*");
        cache.Extend(0, 0, 2).Keys.Should().Be(2);
    }

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

    [Theory]
    [InlineData(5, 5)]
    [InlineData(5, 2)]
    [InlineData(1, 9)]
    public void Step_TwoSlots_EqualsEachAlone(int first, int second)
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create();
        using var cache = model.CreateCache(16, slots: 3);
        Extend(1, TinyModels.Ids(first));
        Extend(2, TinyModels.Ids(second, start: 30));
        var positions = tensor(new long[] { first, second });
        var ids = cat([TinyModels.Ids(first + 1).narrow(1, first, 1), TinyModels.Ids(second + 1, start: 30).narrow(1, second, 1)], 0); // [2, 1]

        var last = model.ForwardHidden(model.Embed(ids), positions.unsqueeze(1), cache.Step(1, [first, second], positions)); // [2, 1, H]

        TinyModels.MaxDifference(last[0], model.ForwardHidden(TinyModels.Ids(first + 1))[0].narrow(0, first, 1)).Should().BeLessThan(1e-5f);
        TinyModels.MaxDifference(last[1], model.ForwardHidden(TinyModels.Ids(second + 1, start: 30))[0].narrow(0, second, 1)).Should().BeLessThan(1e-5f);

        void Extend(int slot, Tensor prompt) => model.ForwardHidden(model.Embed(prompt), arange(prompt.shape[1]).unsqueeze(0), cache.Extend(slot, 0, (int)prompt.shape[1]));
    }

    [Fact]
    public void Extend_MoreThanASlotHolds_Throws()
    {
        using var model = TinyModels.Create();
        using var cache = model.CreateCache(8);

        var act = () => cache.Extend(0, 6, 3);

        act.Should().Throw<InvalidOperationException>().WithMessage("*8 positions*9*");
    }

    private static Tensor InParts(LlamaModel model, KeyValueCache cache, params int[] lengths)
    {
        var ids = TinyModels.Ids(lengths.Sum());
        var start = 0;
        return cat([.. lengths.Select(Next)], 1);

        Tensor Next(int length)
        {
            var hidden = model.ForwardHidden(model.Embed(ids.narrow(1, start, length)), arange(start, start + length).unsqueeze(0), cache.Extend(0, start, length));
            start += length;
            return hidden;
        }
    }
}
