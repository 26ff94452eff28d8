using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The SentencePiece library in a process of its own, which times itself.</summary>
internal sealed class SentencePiecePeer : IDisposable
{
    private const string SourceName = "SentencePiecePeer.cpp";

    private readonly Process _process;
    private readonly BinaryWriter _requests;
    private readonly BinaryReader _answers;
    private readonly int _count;

    private SentencePiecePeer(Process process, IReadOnlyList<string> texts)
    {
        _process = process;
        _requests = new BinaryWriter(process.StandardInput.BaseStream);
        _answers = new BinaryReader(new BufferedStream(process.StandardOutput.BaseStream));
        _count = texts.Count;
        _requests.Write(texts.Count);
        foreach (var text in texts)
        {
            var utf8 = Encoding.UTF8.GetBytes(text);
            _requests.Write(utf8.Length);
            _requests.Write(utf8);
        }
    }

    /// <summary>Compiles the peer and starts it.</summary>
    /// <param name="model">A <c>tokenizer.model</c>.</param>
    /// <param name="texts">What it is to encode; unpaired surrogates become U+FFFD.</param>
    /// <param name="folder">An empty folder for the program.</param>
    /// <param name="cancellationToken">Stops the compiler.</param>
    /// <exception cref="AlpacaException">The compiler or the library is not installed; the message says how to get them.</exception>
    public static async Task<SentencePiecePeer> StartAsync(string model, IReadOnlyList<string> texts, string folder, CancellationToken cancellationToken)
    {
        var (source, program) = (Path.Combine(folder, SourceName), Path.Combine(folder, "peer"));
        await using (var resource = typeof(SentencePiecePeer).Assembly.GetManifestResourceStream(SourceName)!)
        await using (var file = File.Create(source)) await resource.CopyToAsync(file, cancellationToken);
        try
        {
            await ChildProcess.RunAsync("g++", ["-O3", "-std=c++17", "-o", program, source, "-lsentencepiece"], cancellationToken);
        }
        catch (Exception e) when (e is Win32Exception or AlpacaException)
        {
            var missing = e is Win32Exception ? "g++ is not installed" : "g++ does not find the library";
            throw new AlpacaException($"SentencePiece is not measured beside it because {missing}; on Debian: apt-get install g++ libsentencepiece-dev.", e);
        }

        return new SentencePiecePeer(Process.Start(new ProcessStartInfo(program, [model]) { RedirectStandardInput = true, RedirectStandardOutput = true })!, texts);
    }

    /// <summary>The ids of each text.</summary>
    public int[][] Encode() => Ask('I', 0, () =>
    {
        var ids = new int[_count][];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = new int[_answers.ReadInt32()];
            for (var j = 0; j < ids[i].Length; j++) ids[i][j] = _answers.ReadInt32();
        }

        return ids;
    });

    /// <summary>How long encoding all texts takes.</summary>
    /// <param name="rounds">How often, 1 or more.</param>
    /// <returns>The time of one round.</returns>
    public TimeSpan Time(int rounds) => Ask('T', rounds, () => TimeSpan.FromMicroseconds(_answers.ReadInt64() / 1e3 / rounds));

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private T Ask<T>(char request, int rounds, Func<T> readAnswer)
    {
        try
        {
            _requests.Write((byte)request);
            if (rounds > 0) _requests.Write(rounds);
            _requests.Flush();
            return readAnswer();
        }
        catch (IOException e)
        {
            throw new AlpacaException("The SentencePiece library gave up on this model or these texts; see whether spm_encode takes them.", e);
        }
    }
}
