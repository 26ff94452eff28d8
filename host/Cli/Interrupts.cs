using System.Runtime.InteropServices;

namespace Alpaca.Host;

/// <summary>Ctrl+C and SIGTERM as cancellation. The first one cancels the command, or only the part of it that asked for that; one after that ends the process at once.</summary>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource _command = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private CancellationTokenSource? _part;

    /// <summary>Cancelled when the command is to end.</summary>
    public CancellationToken Token => _command.Token;

    /// <summary>Listens to the signals of this process.</summary>
    public static Interrupts OfProcess()
    {
        var interrupts = new Interrupts();
        interrupts._registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = interrupts.Interrupt()));
        interrupts._registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = interrupts.Terminate()));
        return interrupts;
    }

    /// <summary>Begins a part, such as one answer of a chat, that an interrupt ends without ending the command. Dispose the source at the part's end.</summary>
    public CancellationTokenSource BeginPart()
    {
        _part = CancellationTokenSource.CreateLinkedTokenSource(Token);
        return _part;
    }

    /// <summary>Ends the part: the next interrupt means the command.</summary>
    public void EndPart() => _part = null;

    /// <summary>What Ctrl+C does.</summary>
    /// <returns>Whether something was cancelled; otherwise the process is to end.</returns>
    public bool Interrupt()
    {
        if (_part is { IsCancellationRequested: false } part)
        {
            part.Cancel();
            return true;
        }

        return Terminate();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _registrations.ForEach(r => r.Dispose());
        _command.Dispose();
    }

    private bool Terminate()
    {
        if (_command.IsCancellationRequested) return false;
        _command.Cancel();
        return true;
    }
}
