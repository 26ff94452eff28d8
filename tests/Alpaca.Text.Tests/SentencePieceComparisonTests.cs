using System.Diagnostics;
using System.Text.Json;
using FsCheck.Fluent;

namespace Alpaca.Text.Tests;

/// <summary>Random texts against the SentencePiece library, where Debian's python3-sentencepiece is installed.</summary>
public sealed class SentencePieceComparisonTests
{
    private const string Python = "/usr/bin/python3";

    // One JSON string a line in, [ids, decoded] a line out.
    private const string Script =
        """
        import json, sys, sentencepiece
        sp = sentencepiece.SentencePieceProcessor(); sp.Load(sys.argv[1])
        for line in sys.stdin:
            ids = sp.EncodeAsIds(json.loads(line))
            print(json.dumps([ids, sp.DecodeIds(ids)]))
        """;

    [SentencePieceTheory]
    [InlineData("base")]
    [InlineData("special")]
    [InlineData("unused")]
    public async Task Encode_RandomTexts_GivesSentencePieceIds(string model)
    {
        var texts = UnicodeText.Arbitrary().Generator.Select(text => text.Value).Sample(400, 60).ToList();
        texts.AddRange(texts.Take(100).Select(text => text.Replace("e", "<sep>x", StringComparison.Ordinal).Replace("t", "学习▁", StringComparison.Ordinal)));
        var tokenizer = Fixture.Tokenizer(model);
        var answers = await AskAsync(Fixture.Path($"{model}.model"), texts);
        answers.Should().HaveCount(texts.Count);
        foreach (var (text, answer) in texts.Zip(answers))
        {
            var ids = answer[0].EnumerateArray().Select(id => id.GetInt32()).ToArray();
            tokenizer.Encode(text).Should().Equal(ids, "text '{0}'", text);
            tokenizer.Decode(ids).Should().Be(answer[1].GetString());
        }
    }

    private static async Task<List<JsonElement>> AskAsync(string model, IEnumerable<string> texts)
    {
        using var process = Process.Start(new ProcessStartInfo(Python, ["-c", Script, model]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        foreach (var text in texts) await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(text));
        process.StandardInput.Close();
        var lines = (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.WaitForExitAsync();
        return [.. lines.Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class SentencePieceTheoryAttribute : TheoryAttribute
    {
        private static readonly Lazy<bool> Installed = new(() =>
        {
            if (!File.Exists(Python)) return false;
            using var process = Process.Start(new ProcessStartInfo(Python, ["-c", "import sentencepiece"]) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        });

        public SentencePieceTheoryAttribute()
            => Skip = Installed.Value ? null : "The SentencePiece library is not installed; install python3-sentencepiece to run this test.";
    }
}
