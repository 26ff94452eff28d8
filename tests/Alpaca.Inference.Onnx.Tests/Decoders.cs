using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>Opens exported models as decoders.</summary>
internal static class Decoders
{
    /// <param name="folder">The model.</param>
    /// <param name="slots">Slots.</param>
    /// <param name="contextLength">Positions of a slot.</param>
    /// <param name="isGrowing">Whether the cache is handed on from pass to pass, as with graphs of other exporters; every graph can be run so.</param>
    /// <param name="adapters">Adapters.</param>
    /// <param name="change">What the graph is taken for.</param>
    public static OnnxDecoder Open(
        string folder, int slots = 4, int contextLength = 512, bool isGrowing = false, AdapterSource[]? adapters = null, Func<DecoderSignature, DecoderSignature>? change = null)
    {
        var (file, config) = (Path.Combine(folder, OnnxFiles.Model), LlamaConfig.Load(folder));
        var session = OnnxSession.Open(file, default, 1, default);
        var signature = DecoderSignature.Read(session, file);
        if (isGrowing) signature = signature with { SharesCache = false };
        if (change is not null) signature = change(signature);
        return new OnnxDecoder(session, signature, config.HiddenSize, contextLength, slots, OnnxAdapterReader.Read(adapters ?? [], file, config, signature));
    }

    /// <summary>The logits after ids.</summary>
    public static float[] Last(this OnnxDecoder decoder, int slot, int position, params int[] ids) => decoder.Extend(slot, position, ids, null, LogitRows.Last).ToArray();

    /// <summary>Appends ids without asking for logits.</summary>
    public static void Feed(this OnnxDecoder decoder, int slot, int position, params int[] ids) => decoder.Extend(slot, position, ids, null, LogitRows.None).Length.Should().Be(0);
}
