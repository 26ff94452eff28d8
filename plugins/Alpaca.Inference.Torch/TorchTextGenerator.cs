using Alpaca.Llama;
using Alpaca.Text;

namespace Alpaca.Inference.Torch;

/// <summary>Continues token sequences with a TorchSharp decoder.</summary>
/// <param name="model">The decoder; disposed with the generator.</param>
/// <param name="contextLength">The longest sequence.</param>
/// <param name="numerics">Where the decoder runs; disposed with the generator.</param>
internal sealed class TorchTextGenerator(LlamaModel model, int contextLength, NumericsThread numerics) : AutoregressiveTextGenerator
{
    /// <inheritdoc />
    public override int VocabularySize => model.Config.VocabSize;

    /// <inheritdoc />
    public override int ContextLength => contextLength;

    /// <inheritdoc />
    public override void Dispose()
    {
        numerics.Dispose();
        model.Dispose();
    }

    /// <inheritdoc />
    protected override IDecodingSession StartSession(int capacity) => new TorchDecodingSession(model, numerics, capacity);
}
