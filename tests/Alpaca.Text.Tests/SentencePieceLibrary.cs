using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Alpaca.Text.Tests;

/// <summary>Debian's python3-sentencepiece with one model, in one child process that is asked over a pipe.</summary>
internal sealed class SentencePieceLibrary : IDisposable
{
    private const string Python = "/usr/bin/python3";

    // A JSON array of questions a line: a text is encoded and what comes out decoded, ids are decoded.
    private const string Script =
        """
        import json, sys, sentencepiece
        sp = sentencepiece.SentencePieceProcessor(); sp.Load(sys.argv[1])
        def answer(question):
            if isinstance(question, list): return {"ids": question, "text": sp.DecodeIds(question)}
            ids = sp.EncodeAsIds(question)
            return {"ids": ids, "text": sp.DecodeIds(ids)}
        for line in sys.stdin: print(json.dumps([answer(question) for question in json.loads(line)]), flush=True)
        """;

    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.Default };

    private static readonly Lazy<bool> Installed = new(() =>
    {
        if (!File.Exists(Python)) return false;
        using var process = Process.Start(new ProcessStartInfo(Python, ["-c", "import sentencepiece"]) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    });

    private readonly Process _process;

    public SentencePieceLibrary(string model)
        => _process = Process.Start(new ProcessStartInfo(Python, ["-c", Script, model]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;

    /// <summary>Why tests with it are skipped, or <see langword="null"/>.</summary>
    public static string? WhyMissing => Installed.Value ? null : "The SentencePiece library is not installed; install python3-sentencepiece to run this test.";

    public IReadOnlyList<Answer> Encode(IReadOnlyList<string> texts) => Ask(texts);

    public IReadOnlyList<Answer> Decode(IReadOnlyList<int[]> ids) => Ask(ids);

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private List<Answer> Ask<T>(IReadOnlyList<T> questions)
    {
        _process.StandardInput.WriteLine(JsonSerializer.Serialize(questions));
        _process.StandardInput.Flush();
        var answers = JsonSerializer.Deserialize<List<Answer>>(_process.StandardOutput.ReadLine()!, Web)!;
        answers.Should().HaveCount(questions.Count);
        return answers;
    }

    /// <summary>The ids of a text and their text, or ids and their text.</summary>
    internal sealed record Answer(int[] Ids, string Text);
}
