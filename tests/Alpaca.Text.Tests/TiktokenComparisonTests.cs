using System.Diagnostics;
using System.Text.Json;

namespace Alpaca.Text.Tests;

/// <summary>Random texts against tiktoken with a vocabulary of 100,000 pieces, where Node is installed and ALPACA_NODE_MODULES names a folder with the npm package <c>tiktoken</c>.</summary>
public sealed class TiktokenComparisonTests : IDisposable
{
    private const string Setup =
        """
        const { Tiktoken } = require('tiktoken/lite'), { bpe_ranks } = require('tiktoken/encoders/cl100k_base.json'), fs = require('fs');
        """;

    // The package's ranks are rows "! FIRST piece piece ...".
    private const string WriteRanks =
        """
        const lines = bpe_ranks.split('\n').filter(row => row).flatMap(row => { const [, first, ...pieces] = row.split(' '); return pieces.map((piece, i) => `${piece} ${+first + i}\n`); });
        fs.writeFileSync(process.argv[1], lines.join(''));
        """;

    private const string EncodeLines =
        """
        const encoder = new Tiktoken(bpe_ranks, {}, process.argv[1]);
        require('readline').createInterface({ input: process.stdin }).on('line', line => console.log(JSON.stringify([...encoder.encode(JSON.parse(line), [], [])])));
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TiktokenFact]
    public Task Encode_NastyTexts_GivesTiktokenIds() => CompareAsync(seed: 1, count: 3_000);

    [TiktokenFact]
    [Trait("Category", "Slow")]
    public Task Encode_HundredThousandNastyTexts_GivesTiktokenIds() => CompareAsync(seed: 2, count: 100_000);

    private async Task CompareAsync(int seed, int count)
    {
        using (var writer = Start(WriteRanks, _folder.Combine("tokenizer.model"))) await writer.WaitForExitAsync();
        var tokenizer = ModelTokenizer.Load(_folder.Path).Should().BeOfType<Llama3Tokenizer>().Subject;
        var random = new NastyText(seed, [.. Enumerable.Range(0, 100_000).Select(id => tokenizer.Decode([id]))]);
        var texts = Enumerable.Range(0, count).Select(_ => random.Next()).ToList();
        using var node = Start(EncodeLines, Llama3Words.Pattern);
        var asking = Task.Run(() =>
        {
            foreach (var text in texts) node.StandardInput.WriteLine(JsonSerializer.Serialize(text));
            node.StandardInput.Close();
        });
        foreach (var text in texts)
        {
            var expected = JsonSerializer.Deserialize<int[]>((await node.StandardOutput.ReadLineAsync())!)!;
            var ids = tokenizer.Encode(text);
            if (!ids.SequenceEqual(expected)) ids.Should().Equal(expected, "text {0}", string.Join(' ', text.Select(character => $"{(int)character:X4}")));
        }
        await asking;
        await node.WaitForExitAsync();
    }

    private static Process Start(string script, params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo("node", ["-e", Setup + script, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["NODE_PATH"] = Path.Combine(Folder!, "node_modules");
        return Process.Start(start)!;
    }

    private static readonly string? Folder = Environment.GetEnvironmentVariable("ALPACA_NODE_MODULES");

    private static readonly Lazy<bool> Installed = new(() =>
    {
        if (Folder is not { Length: > 0 } || Output("node", "--version") is null) return false;
        using var process = Start("");
        process.StandardInput.Close();
        process.WaitForExit();
        return process.ExitCode == 0;
    });

    private static string? Output(string program, params ReadOnlySpan<string> arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, [.. arguments]) { RedirectStandardOutput = true })!;
            var output = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null; // not installed
        }
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class TiktokenFactAttribute : FactAttribute
    {
        public TiktokenFactAttribute() => Skip = Installed.Value ? null : "ALPACA_NODE_MODULES names no folder with tiktoken, or Node is missing; `npm install tiktoken` there to run this test.";
    }
}
