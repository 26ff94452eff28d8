using System.Reflection;
using Alpaca.Text;
using BenchmarkDotNet.Attributes;

namespace Alpaca.Benchmarks;

/// <summary>What encoding allocates: nothing, however long the text is and whether it falls apart into words or is one segment.</summary>
[MemoryDiagnoser]
public class TokenizerBenchmarks
{
    private readonly List<int> _list = [];
    private LlamaTokenizer _tokenizer = null!;
    private string _text = "";
    private int[] _memory = [];

    [Params(100, 10_000, 1_000_000)]
    public int Length { get; set; }

    [Params("The sea is blue, 白日依山尽，黄河入海流。\n", "e")]
    public string Unit { get; set; } = "";

    [GlobalSetup]
    public void Load()
    {
        var root = typeof(TokenizerBenchmarks).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;
        _tokenizer = LlamaTokenizer.Load(Path.Combine(root, "samples", "llama-tiny", LlamaTokenizer.ModelFileName));
        _text = string.Concat(Enumerable.Repeat(Unit, (Length / Unit.Length) + 1))[..Length];
        _memory = new int[_tokenizer.CountTokens(_text)];
        _list.EnsureCapacity(_memory.Length);
    }

    [Benchmark]
    public void EncodeIntoList()
    {
        _list.Clear();
        _tokenizer.Encode(_text, _list);
    }

    [Benchmark]
    public bool TryEncode() => _tokenizer.TryEncode(_text, _memory, out _);

    [Benchmark]
    public int CountTokens() => _tokenizer.CountTokens(_text);
}
