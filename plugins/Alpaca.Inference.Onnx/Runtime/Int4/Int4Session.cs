using Alpaca.Formats;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>A session whose products with matrices of 4 bits are done by an <see cref="Int4Operator"/>.</summary>
internal sealed class Int4Session : InferenceSession
{
    private readonly Int4Operator _products;

    private Int4Session(byte[] model, SessionOptions options, Int4Operator products)
        : base(model, options) => _products = products;

    /// <summary>Opens a model so, if it has such products and this processor the instructions for them.</summary>
    /// <param name="modelFile">The graph.</param>
    /// <param name="options">How it runs; gets the operator and the folder of the weights.</param>
    /// <param name="cancellationToken">Ends the loading early.</param>
    /// <returns>How to open it, with the weights in memory; <see langword="null"/> when ONNX Runtime does all of it.</returns>
    public static Func<InferenceSession>? Prepare(string modelFile, SessionOptions options, CancellationToken cancellationToken)
    {
        if (!Int4Multiplication.IsSupported) return null;
        using var weights = OnnxTensorSource.Open(modelFile);
        if (!weights.Tensors.Any(tensor => tensor.DType == DType.UInt8)) return null; // A graph that holds float32 itself may have 2 GB.
        if (Int4Graph.Of(File.ReadAllBytes(modelFile), weights) is not { } graph) return null;
        var products = Int4Operator.Load(graph.Products, weights, options.IntraOpNumThreads, cancellationToken);
        return () =>
        {
            try
            {
                // Weights that are left in the graph are looked for beside the file that it came from.
                options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", Path.GetDirectoryName(Path.GetFullPath(modelFile))!);
                products.Register(options);
                return new Int4Session(graph.Model, options, products);
            }
            catch
            {
                products.Dispose();
                throw;
            }
        };
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing) _products?.Dispose(); // it is null when the constructor has failed
    }
}
