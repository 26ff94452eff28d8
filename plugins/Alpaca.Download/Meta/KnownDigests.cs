namespace Alpaca.Download;

/// <summary>The published SHA-256 of LLaMA's original files (llama.cpp's SHA256SUMS).</summary>
/// <remarks>Llama 2's folders have the same names and other content, so that these digests only decide where no checklist does.</remarks>
internal sealed class KnownDigests
{
    private const string Tokenizer = "tokenizer.model";

    private readonly IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> _sizes;
    private readonly string _tokenizer;

    /// <param name="tokenizer">The SHA-256 of <c>tokenizer.model</c>.</param>
    /// <param name="sizes">By size, the SHA-256 of its files by name.</param>
    public KnownDigests(string tokenizer, IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> sizes)
        => (_tokenizer, _sizes) = (tokenizer, new Dictionary<string, IReadOnlyDictionary<string, string>>(sizes, StringComparer.OrdinalIgnoreCase));

    /// <summary>LLaMA's 7B, 13B, 30B (33B is another name of it) and 65B.</summary>
    public static KnownDigests Llama { get; } = CreateLlama();

    /// <summary>Whether all files of a size are known.</summary>
    public bool HasSize(string size) => _sizes.ContainsKey(size);

    /// <summary>The names of a known size's files; none of a size that is not known.</summary>
    public IEnumerable<string> FilesOf(string size) => _sizes.TryGetValue(size, out var files) ? files.Keys : [];

    /// <summary>The SHA-256 of a file, in small hexadecimal digits; <see langword="null"/> when it is not known.</summary>
    /// <param name="name"><c>tokenizer.model</c>, or a size and a file: <c>7B/params.json</c>.</param>
    public string? Find(string name)
    {
        if (name == Tokenizer) return _tokenizer;
        return name.Split('/') is [var size, var file] && _sizes.TryGetValue(size, out var files) ? files.GetValueOrDefault(file) : null;
    }

    private static KnownDigests CreateLlama()
    {
        var sizes = new Dictionary<string, IReadOnlyDictionary<string, string>>
        {
            ["7B"] = Size(
                "7e89e242ddc0dd6f060b43ca219ce8b3e8f08959a72cb3c0855df8bb04d46265",
                "700df0d3013b703a806d2ae7f1bfb8e59814e3d06ae78be0c66368a50059f33d"),
            ["13B"] = Size(
                "4ab77bec4d4405ccb66a97b282574c89a94417e3c32e5f68f37e2876fc21322f",
                "745bf4e29a4dd6f411e72976d92b452da1b49168a4f41c951cfcc8051823cf08",
                "d5ccbcc465c71c0de439a5aeffebe8344c68a519bce70bc7f9f92654ee567085"),
            ["30B"] = Size(
                "2c07118ea98d69dbe7810d88520e30288fa994751b337f8fca02b171955f44cb",
                "e23294a58552d8cdec5b7e8abb87993b97ea6eced4178ff2697c02472539d067",
                "4e077b7136c7ae2302e954860cf64930458d3076fcde9443f4d0e939e95903ff",
                "24a87f01028cbd3a12de551dcedb712346c0b5cbdeff1454e0ddf2df9b675378",
                "1adfcef71420886119544949767f6a56cb6339b4d5fcde755d80fe68b49de93b"),
            ["65B"] = Size(
                "999ed1659b469ccc2a941714c0a9656fa571d17c9f7c8c7589817ca90edef51b",
                "135c563f6b3938114458183afb01adc9a63bef3d8ff7cccc3977e5d3664ecafe",
                "9a600b37b19d38c7e43809485f70d17d1dc12206c07efa83bc72bb498a568bde",
                "e7babf7c5606f165a3756f527cb0fedc4f83e67ef1290391e52fb1cce5f26770",
                "73176ffb426b40482f2aa67ae1217ef79fbbd1fff5482bae5060cdc5a24ab70e",
                "882e6431d0b08a8bc66261a0d3607da21cbaeafa96a24e7e59777632dbdac225",
                "a287c0dfe49081626567c7fe87f74cce5831f58e459b427b5e05567641f47b78",
                "72b4eba67a1a3b18cb67a85b70f8f1640caae9b40033ea943fb166bd80a7b36b",
                "d27f5b0677d7ff129ceacd73fd461c4d06910ad7787cf217b249948c3f3bc638"),
        };
        sizes["33B"] = sizes["30B"];
        return new KnownDigests("9e556afd44213b6bd1be2b850ebbbd98f5481437a8021afaf58ee7fb1818d347", sizes);
    }

    private static Dictionary<string, string> Size(string parameters, params string[] shards)
    {
        var files = new Dictionary<string, string> { ["params.json"] = parameters };
        for (var shard = 0; shard < shards.Length; shard++) files[$"consolidated.{shard:00}.pth"] = shards[shard];
        return files;
    }
}
