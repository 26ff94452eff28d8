using System.Diagnostics;

namespace Alpaca.IntegrationTests;

/// <summary><c>alpaca serve</c> on a port of its own, with what it logs.</summary>
internal sealed class ServeProcess : IDisposable
{
    private readonly Process _process;
    private readonly List<string> _lines = [];
    private readonly TaskCompletionSource<string> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServeProcess(string configuration)
    {
        _process = AlpacaProcess.Start("serve", "--config", configuration, "--urls", "http://127.0.0.1:0");
        _process.ErrorDataReceived += (_, line) => Add(line.Data);
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    public HttpClient Client { get; } = new() { Timeout = TimeSpan.FromMinutes(2) };

    public string Log
    {
        get
        {
            lock (_lines) return string.Join('\n', _lines);
        }
    }

    /// <summary>Starts it and waits until it listens.</summary>
    public static async Task<ServeProcess> StartAsync(string configuration)
    {
        var serve = new ServeProcess(configuration);
        try
        {
            serve.Client.BaseAddress = new Uri(await serve._address.Task.WaitAsync(TimeSpan.FromMinutes(2)));
            return serve;
        }
        catch (TimeoutException e)
        {
            var log = serve.Log;
            serve.Dispose();
            throw new TimeoutException($"alpaca serve does not listen: {log}", e);
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        Client.Dispose();
    }

    private void Add(string? line)
    {
        if (line is null) return;
        lock (_lines) _lines.Add(line);
        if (line.IndexOf("http://127.0.0.1:", StringComparison.Ordinal) is >= 0 and var start) _address.TrySetResult(line[start..].Trim().TrimEnd('.', '/'));
    }
}
