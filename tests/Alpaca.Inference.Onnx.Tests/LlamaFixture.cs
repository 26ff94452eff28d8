using System.Text.Json;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>A tiny model folder and what PyTorch computes with it; made by <c>Fixtures/make_fixtures.py</c>.</summary>
internal sealed record LlamaFixture(string Folder, int[] Prompt, float[] Logits, int[] Greedy)
{
    /// <summary>plain: float16, as many KV heads as heads. grouped: bfloat16, two heads share a KV head. tied: float32, tied head, stretched positions.</summary>
    public static TheoryData<string> Names { get; } = ["plain", "grouped", "tied"];

    public static LlamaFixture Load(string name)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Fixtures", name);
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "reference.json")));
        T[] Read<T>(string key) => reference.RootElement.GetProperty(key).Deserialize<T[]>()!;
        return new LlamaFixture(folder, Read<int>("prompt"), Read<float>("logits"), Read<int>("greedy"));
    }
}
