using System.Security.Cryptography;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Meta;

public sealed class MetaParametersTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(4096, 32, 32, 1e-6, 11008, "7e89e242ddc0dd6f060b43ca219ce8b3e8f08959a72cb3c0855df8bb04d46265")]
    [InlineData(5120, 40, 40, 1e-6, 13824, "4ab77bec4d4405ccb66a97b282574c89a94417e3c32e5f68f37e2876fc21322f")]
    [InlineData(6656, 60, 52, 1e-6, 17920, "2c07118ea98d69dbe7810d88520e30288fa994751b337f8fca02b171955f44cb")]
    [InlineData(8192, 80, 64, 1e-5, 22016, "999ed1659b469ccc2a941714c0a9656fa571d17c9f7c8c7589817ca90edef51b")]
    public void ToJson_OriginalSizes_IsMetasFileByteForByte(int dim, int layers, int heads, double eps, int feedForward, string sha256)
    {
        var parameters = new MetaParameters { Dim = dim, NLayers = layers, NHeads = heads, NormEps = eps }.WithFeedForwardDim(feedForward);

        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(parameters.ToJson()))).Should().Be(sha256);
    }

    [Theory]
    [InlineData(8192, 80, 64, 8, 28672, """{"dim": 8192, "multiple_of": 4096, "ffn_dim_multiplier": 1.3, "n_heads": 64, "n_kv_heads": 8, "n_layers": 80, "norm_eps": 1e-05, "vocab_size": -1}""")]
    [InlineData(4096, 32, 32, 8, 14336, """{"dim": 4096, "multiple_of": 1024, "ffn_dim_multiplier": 1.3, "n_heads": 32, "n_kv_heads": 8, "n_layers": 32, "norm_eps": 1e-05, "vocab_size": -1}""")]
    [InlineData(2048, 16, 32, 8, 8192, """{"dim": 2048, "multiple_of": 256, "ffn_dim_multiplier": 1.5, "n_heads": 32, "n_kv_heads": 8, "n_layers": 16, "norm_eps": 1e-05, "vocab_size": -1}""")]
    [InlineData(3072, 28, 24, 8, 8192, """{"dim": 3072, "multiple_of": 256, "n_heads": 24, "n_kv_heads": 8, "n_layers": 28, "norm_eps": 1e-05, "vocab_size": -1}""")]
    [InlineData(16384, 126, 128, 8, 53248, """{"dim": 16384, "multiple_of": 4096, "ffn_dim_multiplier": 1.2, "n_heads": 128, "n_kv_heads": 8, "n_layers": 126, "norm_eps": 1e-05, "vocab_size": -1}""")]
    public void ToJson_GroupedQueryModels_HasMetasMultipliers(int dim, int layers, int heads, int keyHeads, int feedForward, string expected) =>
        new MetaParameters { Dim = dim, NLayers = layers, NHeads = heads, NKvHeads = keyHeads, NormEps = 1e-5 }.WithFeedForwardDim(feedForward).ToJson().Should().Be(expected);

    [Theory]
    [InlineData("""{"dim": 64, "n_layers": 2, "n_heads": 4, "norm_eps": 1e-5, "use_scaled_rope": true, "rope_scaling_factor": 32}""")]
    [InlineData("""{"model": {"dim": 64, "n_layers": 2, "n_heads": 4, "norm_eps": 1e-5, "use_scaled_rope": true, "rope_scaling_factor": 32}, "quantization_args": {}}""")]
    public void Load_ScaledPositions_ReadsBack(string json)
    {
        var read = MetaParameters.Load(_folder.Write("params.json", json));

        read.Should().BeEquivalentTo(new { UseScaledRope = true, RopeScalingFactor = 32.0, Dim = 64 });
        MetaParameters.Load(_folder.Write("again.json", read.ToJson())).Should().Be(read);
    }

    [Theory]
    [InlineData(64, 192)]
    [InlineData(32, 96)]
    [InlineData(2048, 5632)]
    [InlineData(4096, 14336)]
    [InlineData(8192, 28672)]
    [InlineData(64, 50)]
    [InlineData(64, 171)]
    [InlineData(4096, 1)]
    public void WithFeedForwardDim_AnyWidth_ReadsBackAsThatWidth(int dim, int feedForward)
    {
        var path = _folder.Write("params.json", new MetaParameters { Dim = dim, NLayers = 2, NHeads = 4, NKvHeads = 2, NormEps = 1e-5, RopeTheta = 5e5 }.WithFeedForwardDim(feedForward).ToJson());

        var read = MetaParameters.Load(path);

        read.FeedForwardDim.Should().Be(feedForward);
        read.Should().BeEquivalentTo(new { Dim = dim, NLayers = 2, NHeads = 4, NKvHeads = 2, NormEps = 1e-5, RopeTheta = 5e5, VocabSize = -1 });
    }

    [Fact]
    public void Load_SeveralProblems_ListsAll()
    {
        var path = _folder.Write("params.json", """{"dim": 64, "n_layers": "two", "n_heads": 0}""");

        var act = () => MetaParameters.Load(path);

        act.Should().Throw<AlpacaException>().WithMessage("*params.json*n_layers is \"two\"*n_heads is 0*norm_eps is missing*");
    }

    [Theory]
    [InlineData("""{"dim": 64, "n_layers": 2, "n_heads": 5, "norm_eps": 1e-5}""", "*dim 64 is not a multiple of n_heads 5*")]
    [InlineData("""{"dim": 64, "n_layers": 2, "n_heads": 4, "n_kv_heads": 3, "norm_eps": 1e-5}""", "*not a multiple of n_kv_heads 3*")]
    [InlineData("""{"dim": 64, "n_layers": 2, "n_heads": 4, "norm_eps": 1e-5, "rope_scaling_factor": 0.5}""", "*rope_scaling_factor is 0.5*")]
    [InlineData("""{"dim": 64, "n_layers": 2, "n_heads": 4, "norm_eps": -1}""", "*norm_eps is -1*")]
    [InlineData("[]", "*not a JSON object*")]
    [InlineData("{", "*not valid JSON*")]
    public void Load_Contradiction_IsAnError(string json, string message)
    {
        var path = _folder.Write("params.json", json);

        var act = () => MetaParameters.Load(path);

        act.Should().Throw<AlpacaException>().WithMessage(message).WithMessage("*params.json*");
    }
}
