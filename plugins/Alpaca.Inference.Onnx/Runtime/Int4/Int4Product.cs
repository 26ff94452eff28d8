namespace Alpaca.Inference.Onnx;

/// <summary>A product of a graph with a matrix of 4 bits that <see cref="Int4Matrix"/> can take over from ONNX Runtime: y = x Wᵀ.</summary>
/// <param name="Data">The initializer with the elements of W, [N, blocks, block size / 2].</param>
/// <param name="Scales">The initializer with a scale for each block, [N, blocks].</param>
/// <param name="Rows">N, the elements of y.</param>
/// <param name="Columns">K, the elements of x.</param>
/// <param name="Blocks">How W is stored.</param>
internal sealed record Int4Product(string Data, string Scales, int Rows, int Columns, BlockFormat Blocks);
