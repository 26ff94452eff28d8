using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Convert;

namespace Alpaca.Inference.Torch.Tests;

/// <summary>From Meta's files to tokens: the reference checkpoint, converted and run.</summary>
public sealed class GoldenTests
{
    [GoldenFact]
    public async Task GenerateAsync_ConvertedCheckpoint_GivesPyTorchsLogitsAndTokens()
    {
        using var folder = new TemporaryFolder();
        var context = StageContexts.In(folder);
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = Golden.Path("tiny", "meta") }, context);
        using var json = JsonDocument.Parse(await File.ReadAllBytesAsync(Golden.Path("tiny", "expected.json")));
        var expected = json.RootElement;

        using var generator = await new TorchBackend().LoadAsync(context.OutputFolder, new InferenceOptions());
        var tokens = await generator.GenerateAsync(
            Numbers<int>("prompt_ids"), new GenerationOptions { Temperature = 0, RepetitionPenalty = 1, MaxNewTokens = 16, ReturnLogits = true }).ToListAsync();

        tokens.Select(token => token.Id).Should().Equal(Numbers<int>("greedy_16"));
        tokens[0].Logits[..64].ToArray().Zip(Numbers<float>("last_logits_first_64"), (actual, reference) => Math.Abs(actual - reference)).Max().Should().BeLessThan(1e-3f);

        T[] Numbers<T>(string name) => expected.GetProperty(name).Deserialize<T[]>()!;
    }
}
