using System.Security.Cryptography;
using System.Text;

namespace Alpaca.Download.Tests;

/// <summary>A source folder in Meta's layout with made-up content and true checklists.</summary>
internal sealed class WeightFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public WeightFolder(string size = "tiny", int shards = 2, int shardBytes = 3_000_000)
    {
        Write("tokenizer.model", [1, 2, 3]);
        WriteChecklist("tokenizer_checklist.chk", "", "tokenizer.model");
        Write($"{size}/params.json", Encoding.UTF8.GetBytes("""{"dim": 64}"""));
        var names = new List<string> { "params.json" };
        for (var shard = 0; shard < shards; shard++)
        {
            var content = new byte[shardBytes];
            new Random(shard).NextBytes(content);
            names.Add($"consolidated.{shard:00}.pth");
            Write($"{size}/{names[^1]}", content);
        }

        WriteChecklist($"{size}/checklist.chk", size, [.. names]);
    }

    public string Path => _folder.Path;

    public string Combine(string name) => _folder.Combine(name);

    public void Write(string name, byte[] content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Combine(name))!);
        File.WriteAllBytes(Combine(name), content);
    }

    public void WriteChecklist(string name, string folder, params string[] files) => File.WriteAllLines(
        Combine(name),
        files.Select(file => $"{Convert.ToHexStringLower(MD5.HashData(File.ReadAllBytes(Combine(System.IO.Path.Combine(folder, file)))))}  {file}"));

    public void Dispose() => _folder.Dispose();
}
