using Microsoft.ML.OnnxRuntime.Tensors;

namespace Alpaca.Inference.Onnx;

/// <summary>Sizes of the element types that caches and logits have.</summary>
internal static class ElementTypes
{
    /// <summary>Bytes of an element; <see langword="null"/> for types that no cache has.</summary>
    public static int? Size(TensorElementType type) => type switch
    {
        TensorElementType.Int64 => 8,
        TensorElementType.Float => 4,
        TensorElementType.Float16 or TensorElementType.BFloat16 => 2,
        TensorElementType.Int8 or TensorElementType.UInt8 => 1,
        _ => null,
    };
}
