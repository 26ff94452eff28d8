using System.Numerics.Tensors;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>Runs an exported graph on a probe prompt, first a part of it at once, then id by id, and holds its logits against those computed from the weights without ONNX Runtime.</summary>
internal sealed class ExportVerification(HuggingFaceModel model, LlamaGraph graph, GraphFormat format, string modelFile)
{
    private const int PromptIds = 8;
    private const int DecodedIds = 4;

    /// <summary>Compares.</summary>
    /// <exception cref="AlpacaException">The logits differ by more than rounding explains, or the graph cannot be run.</exception>
    public VerificationResult Run(IStageProgress progress, CancellationToken cancellationToken)
    {
        var ids = Probe(model.Config);
        var original = Reference(model.Config, new ModelWeights(model.Tensors), ids, progress, cancellationToken);
        var expected = original;
        if (format.IsQuantized)
        {
            using var exported = OnnxTensorSource.Open(modelFile);
            expected = Reference(model.Config with { TieWordEmbeddings = false }, new QuantizedWeights(model, exported, graph.Weights), ids, progress, cancellationToken);
        }

        var actual = RunGraph(ids);
        var result = new VerificationResult
        {
            ProbeIds = ids,
            PromptIds = PromptIds,
            LargestLogit = MathF.Abs(TensorPrimitives.MaxMagnitude<float>(expected)),
            LargestDifference = Difference(expected, actual),
            Tolerance = Tolerance,
            DifferenceFromModel = Difference(original, actual),
            SameGreedyIds = Enumerable.Range(0, ids.Length).Count(t => Argmax(original, t) == Argmax(actual, t)),
        };
        return result.Passed
            ? result
            : throw new AlpacaException(
                $"The exported graph does not compute what its weights say: on the probe prompt the logits differ by up to {result.LargestDifference:G4}, more than {result.Tolerance:G2} of the largest logit {result.LargestLogit:G4}; nothing was published. Report it with this line, or export with the precision fp32.");
    }

    // As parts of the largest logit. float32 differs in the order of sums, float16 rounds every activation. Quantised products round activations to 8 bits, a percent of a layer's output, which a decoder's layers amplify;
    // a mistake in packing gives differences as large as the logits.
    private double Tolerance => format switch
    {
        { IsQuantized: true } => 0.15,
        { Activations: OnnxType.Float16 } => 0.02,
        _ => 0.001,
    };

    // The beginning of a text, then ids spread over the vocabulary.
    private static int[] Probe(LlamaConfig config)
    {
        const int Spread = PromptIds + DecodedIds - 1;
        return [Math.Clamp(config.BosTokenId, 0, config.VocabSize - 1), .. Enumerable.Range(1, Spread).Select(i => (int)((config.VocabSize - 1L) * i / Spread))];
    }

    private float[] Reference(LlamaConfig config, IStreamedWeights weights, int[] ids, IStageProgress progress, CancellationToken cancellationToken)
    {
        using var task = progress.Start("verifying", model.Tensors.Tensors.Sum(t => t.ByteLength), ProgressUnit.Bytes);
        return new StreamedForward(config, weights, ids).Run(new RowPipeline(task, cancellationToken)).Values;
    }

    private float[] RunGraph(int[] ids)
    {
        try
        {
            using var options = new SessionOptions { IntraOpNumThreads = Environment.ProcessorCount, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
            using var session = new InferenceSession(modelFile, options);
            using var run = new GraphRun(session, model.Config);
            return [.. run.Step(ids.AsSpan(0, PromptIds)), .. Enumerable.Range(PromptIds, DecodedIds).SelectMany(t => run.Step([ids[t]]))];
        }
        catch (OnnxRuntimeException e)
        {
            throw new AlpacaException($"ONNX Runtime cannot run the exported graph ({e.Message.Split('\n')[0]}); nothing was published. Export with --verify false if another runtime is to run it.", e);
        }
    }

    private int Argmax(float[] logits, int position) => TensorPrimitives.IndexOfMax<float>(logits.AsSpan(position * model.Config.VocabSize, model.Config.VocabSize));

    private static double Difference(float[] expected, float[] actual)
    {
        var difference = new float[expected.Length];
        TensorPrimitives.Subtract(expected, actual, difference);
        return MathF.Abs(TensorPrimitives.MaxMagnitude<float>(difference));
    }
}
