using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Merging.Tests;

/// <summary>What a dry run tells.</summary>
public sealed class MergePlanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Plan_TwoAdapters_TellsTheSizeThatTheMergeWillHave()
    {
        var request = Fixture.Request(Fixture.Pretrain, Fixture.Sft);
        var context = StageContexts.In(_folder);

        var plan = new AdapterMerger().Plan(request);
        await new AdapterMerger().ExecuteAsync(request, context);

        using var merged = HuggingFaceModel.Open(context.OutputFolder);
        plan.OutputBytes.Should().Be(merged.Tensors.Tensors.Sum(t => t.ByteLength));
        string.Join('\n', plan.Steps).Should().Contain($"base model {Fixture.Base}").And.Contain($"adapter {Fixture.Pretrain}: rank").And.Contain("vocabulary 113").And.Contain("9 of 12 tensors change");
    }

    [Fact]
    public void Plan_WrongOrder_FailsAsTheMergeWould()
    {
        var act = () => new AdapterMerger().Plan(Fixture.Request(Fixture.Sft, Fixture.Pretrain));

        act.Should().Throw<AlpacaException>().WithMessage("*swap them*");
    }
}
