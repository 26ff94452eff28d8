using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Convert.Tests;

/// <summary>Against values computed with PyTorch by make_golden.py.</summary>
public sealed class GoldenConversionTests
{
    [GoldenFact]
    public async Task ExecuteAsync_GoldenCheckpoint_EveryTensorHasTheDigestOfPyTorch()
    {
        using var folder = new TemporaryFolder();
        var context = StageContexts.In(folder);

        var artifact = await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = Golden.Path("tiny", "meta") }, context);

        using var expected = JsonDocument.Parse(await File.ReadAllBytesAsync(Golden.Path("tiny", "expected.json")));
        var digests = expected.RootElement.GetProperty("hf_tensor_sha256").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString());
        using var model = HuggingFaceModel.Open(context.OutputFolder);
        model.Tensors.Tensors.ToDictionary(t => t.Name, t => (string?)model.Tensors.Sha256(t)).Should().Equal(digests);
        artifact.VocabularySize.Should().Be(32000);
        artifact.Parameters.Should().Be(model.Parameters);
    }
}
