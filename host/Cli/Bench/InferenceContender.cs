using System.ComponentModel;
using System.Diagnostics;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A process with a loaded model that takes turns: one of ours, or a peer.</summary>
internal sealed class InferenceContender : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly CancellationTokenRegistration _stop;

    private InferenceContender(string name, Process process, CancellationToken cancellationToken)
    {
        (Name, _process) = (name, process);
        _errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        _stop = cancellationToken.Register(() => process.Kill(entireProcessTree: true));
    }

    /// <summary>How it is called in the report.</summary>
    public string Name { get; }

    /// <summary>Whether it can sample with the default options, and not only take the most likely token.</summary>
    public bool CanSample { get; private init; }

    /// <summary>How long it took to load, in seconds.</summary>
    public double LoadSeconds { get; private set; }

    /// <summary>Starts a process and waits until its model is loaded.</summary>
    /// <param name="name">How it is called in the report.</param>
    /// <param name="canSample">Whether it can sample.</param>
    /// <param name="program">The program and its arguments.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <exception cref="AlpacaException">It could not be started, or it failed; the message has its last words.</exception>
    public static async Task<InferenceContender> StartAsync(string name, bool canSample, IReadOnlyList<string> program, CancellationToken cancellationToken)
    {
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(program[0], program.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception e)
        {
            throw new AlpacaException($"{program[0]} could not be started for {name} ({e.Message}); install it.", e);
        }

        var contender = new InferenceContender(name, process, cancellationToken) { CanSample = canSample };
        try
        {
            contender.LoadSeconds = InferenceProtocol.Read<InferenceLoadFigures>(await contender.ReadAsync(cancellationToken)).LoadSeconds;
            return contender;
        }
        catch
        {
            await contender.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets it generate.</summary>
    public async Task<InferenceTurnFigures> TakeTurnAsync(InferenceTurn turn, CancellationToken cancellationToken)
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(InferenceProtocol.Write(turn).AsMemory(), cancellationToken);
            await _process.StandardInput.FlushAsync(cancellationToken);
        }
        catch (IOException)
        {
            // It has ended; reading says why.
        }

        return InferenceProtocol.Read<InferenceTurnFigures>(await ReadAsync(cancellationToken));
    }

    /// <summary>The memory it has now and had at most, with the files it has mapped, in MiB.</summary>
    public (double Resident, double Peak) ReadMemory()
    {
        _process.Refresh();
        return (_process.WorkingSet64 / (double)(1 << 20), _process.PeakWorkingSet64 / (double)(1 << 20));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.DisposeAsync();
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        if (await _process.StandardOutput.ReadLineAsync(cancellationToken) is { } line) return line;
        cancellationToken.ThrowIfCancellationRequested();
        await _process.WaitForExitAsync(cancellationToken);
        throw new AlpacaException($"{Name} failed with exit code {_process.ExitCode}: {(await _errors).Trim()}");
    }
}
