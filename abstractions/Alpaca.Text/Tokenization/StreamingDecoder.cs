using System.Text;

namespace Alpaca.Text;

/// <summary>Decodes ids one at a time, as a model produces them.</summary>
/// <remarks>
/// Never gives half a character: a character that is spelled in bytes appears with its last byte. The texts of all calls, put together, are exactly what
/// <see cref="ModelTokenizer.Decode(IEnumerable{int}, bool)"/> gives for all ids. For one thread.
/// </remarks>
/// <param name="tokenizer">The tokenizer the ids belong to.</param>
public sealed class StreamingDecoder(ModelTokenizer tokenizer)
{
    private readonly TokenAssembler _assembler = (tokenizer ?? throw new ArgumentNullException(nameof(tokenizer))).CreateAssembler();
    private readonly StringBuilder _output = new();

    /// <summary>Whether no bytes of an unfinished character are held back.</summary>
    public bool IsComplete => _assembler.IsComplete;

    /// <summary>Takes the next id.</summary>
    /// <param name="id">An id of the vocabulary; special tokens give nothing.</param>
    /// <returns>The text that is complete now; often empty.</returns>
    /// <exception cref="Abstractions.AlpacaException">The id is not in the vocabulary.</exception>
    public string Append(int id)
    {
        tokenizer.ThrowIfOutside(id);
        _assembler.Append(id, _output);
        return Take();
    }

    /// <summary>Ends the text.</summary>
    /// <returns>U+FFFD for bytes that were held back in vain, as <see cref="ModelTokenizer.Decode(IEnumerable{int}, bool)"/> has it; otherwise nothing.</returns>
    public string Flush()
    {
        _assembler.Flush(_output);
        return Take();
    }

    private string Take()
    {
        var text = _output.ToString();
        _output.Clear();
        return text;
    }
}
