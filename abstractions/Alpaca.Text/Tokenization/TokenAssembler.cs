using System.Text;

namespace Alpaca.Text;

/// <summary>Puts decoded text together, one id at a time; what whole decoding and streaming share, so that they cannot differ.</summary>
internal abstract class TokenAssembler
{
    /// <summary>Whether no bytes of an unfinished character are held back.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>Decodes an id.</summary>
    /// <param name="id">The id; it is in the vocabulary.</param>
    /// <param name="output">Gets what is complete now. The bytes of an unfinished character are held back.</param>
    public abstract void Append(int id, StringBuilder output);

    /// <summary>Ends the text: bytes held back become U+FFFD.</summary>
    public abstract void Flush(StringBuilder output);
}
