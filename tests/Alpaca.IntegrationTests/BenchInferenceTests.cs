namespace Alpaca.IntegrationTests;

/// <summary><c>bench inference</c> on a tiny model, through the executable.</summary>
public sealed class BenchInferenceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task BenchInference_TinyShape_MeasuresGreedyAndSampled()
    {
        var report = (await RunAsync("--runs", "onnx:fp32")).ShouldSucceed().Json;

        report.GetProperty("name").GetString().Should().Be("inference");
        var figures = report.GetProperty("results").EnumerateArray().ToDictionary(r => r.GetProperty("metric").GetString()!, r => r.GetProperty("value").GetDouble());
        foreach (var mode in (string[])["greedy", "sampled"])
        {
            foreach (var what in (string[])["prefill", "decode", "step"]) figures[$"onnx:fp32, {mode}: {what}"].Should().BePositive();
            figures.Should().ContainKey($"onnx:fp32, {mode}: allocated");
        }

        foreach (var what in (string[])["load", "resident memory", "peak resident memory"]) figures[$"onnx:fp32: {what}"].Should().BePositive();
        Directory.EnumerateFileSystemEntries(_folder.Path).Should().BeEmpty("what was written there is deleted again");
    }

    [Fact]
    public async Task BenchInference_Streams_ComparesOneByOneWithTogether()
    {
        var report = (await RunAsync("--streams", "3")).ShouldSucceed().Json;

        report.GetProperty("results").EnumerateArray().Where(r => r.GetProperty("value").GetDouble() > 0).Select(r => r.GetProperty("metric").GetString()).Should().Equal(
            "onnx:fp32, 3 streams: one by one", "onnx:fp32, 3 streams: together", "onnx:fp32, 3 streams: together / one by one", "onnx:fp32: first token of one alone",
            "onnx:fp32, 3 streams: first token of the last while the others decode", "onnx:fp32, 3 streams: first token of the last of all at once");
    }

    [LlamaCppFact]
    [Trait("Category", "Slow")]
    public async Task BenchInference_LlamaCpp_GivesTheSameGreedyTokens()
    {
        var report = (await RunAsync("--runs", "onnx:fp32", "--peer", "llama.cpp:f32")).ShouldSucceed().Json;

        var figures = report.GetProperty("results").EnumerateArray().ToDictionary(r => r.GetProperty("metric").GetString()!, r => r.GetProperty("value").GetDouble());
        figures["llama.cpp:f32, greedy: decode"].Should().BePositive();
        figures["onnx:fp32 / llama.cpp:f32, greedy: decode"].Should().BePositive();
        figures["llama.cpp:f32, greedy: tokens before the first that differs from onnx:fp32's"].Should().Be(13, "the weights and the computation are the same");
    }

    [Fact]
    public async Task BenchInference_RunFails_GivesItsReason()
        => (await RunAsync("--runs", "nosuch:fp32")).ShouldFail(1, "*nosuch:fp32 failed with exit code*nosuch*");

    private Task<ProcessResult> RunAsync(params string[] options) => AlpacaProcess.RunAsync(
        ["bench", "inference", "--shape", "tiny", "--prefill", "16", "--decode", "12", "--repetitions", "1", "--scratch-dir", _folder.Path, "--json", .. options]);
}

/// <summary>A fact that needs llama.cpp: ALPACA_NODE_MODULES names a folder in whose folder <c>llama.cpp</c> the npm package <c>node-llama-cpp</c> is.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LlamaCppFactAttribute : FactAttribute
{
    public LlamaCppFactAttribute() => Skip = Environment.GetEnvironmentVariable("ALPACA_NODE_MODULES") is { Length: > 0 } folder
        && Directory.Exists(Path.Combine(folder, "llama.cpp", "node_modules", "node-llama-cpp"))
        ? null
        : "ALPACA_NODE_MODULES names no folder with llama.cpp/node_modules/node-llama-cpp; see .ci/run for how to install it.";
}
