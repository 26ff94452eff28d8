using System.Runtime.Intrinsics.X86;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>A test of products that this processor may not have.</summary>
internal sealed class Avx2FactAttribute : FactAttribute
{
    public Avx2FactAttribute() => Skip = Int4Multiplication.IsSupported ? null : "this processor has no AVX2";
}

/// <summary>The same with data.</summary>
internal sealed class Avx2TheoryAttribute : TheoryAttribute
{
    public Avx2TheoryAttribute() => Skip = Int4Multiplication.IsSupported ? null : "this processor has no AVX2";
}

/// <summary>The same with data, for AVX-VNNI.</summary>
internal sealed class AvxVnniTheoryAttribute : TheoryAttribute
{
    public AvxVnniTheoryAttribute() => Skip = AvxVnni.IsSupported ? null : "this processor has no AVX-VNNI";
}
