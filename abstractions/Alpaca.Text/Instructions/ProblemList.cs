using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>Collects what is wrong with data, so that all of it is told at once; the first <see cref="Shown"/> in words, the rest as a number.</summary>
internal sealed class ProblemList
{
    public const int Shown = 20;

    private readonly List<string> _messages = [];
    private int _count;

    public bool IsEmpty => _count == 0;

    public void Add(string message)
    {
        if (_count++ < Shown) _messages.Add(message);
    }

    /// <exception cref="AlpacaException">There is a problem.</exception>
    public void ThrowIfAny()
    {
        if (_count == 0) return;
        if (_count > Shown) _messages.Add($"... and {_count - Shown} more.");
        throw new AlpacaException(string.Join(Environment.NewLine, _messages));
    }
}
