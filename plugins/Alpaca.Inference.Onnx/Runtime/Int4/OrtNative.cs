using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>The functions of ONNX Runtime's C API that an operator of one's own needs and the .NET package does not offer.</summary>
/// <remarks>
/// They are found as <c>onnxruntime_c_api.h</c> describes: <c>OrtGetApiBase()-&gt;GetApi(version)</c> gives a table, to which functions are only ever appended. Pointers to its opaque types are <see cref="nint"/> here; a status is 0 for success.
/// </remarks>
internal static unsafe class OrtNative
{
    /// <summary>The version of the table, of 1.17: the first one with all of these functions.</summary>
    public const uint Version = 17;

    private static readonly nint* Functions = Load();

    /// <summary>(code, message) → status</summary>
    public static readonly delegate* unmanaged<int, byte*, nint> CreateStatus = (delegate* unmanaged<int, byte*, nint>)Functions[0];

    /// <summary>(status) → message</summary>
    public static readonly delegate* unmanaged<nint, byte*> GetErrorMessage = (delegate* unmanaged<nint, byte*>)Functions[2];

    /// <summary>(domain, out) → status</summary>
    public static readonly delegate* unmanaged<byte*, nint*, nint> CreateCustomOpDomain = (delegate* unmanaged<byte*, nint*, nint>)Functions[26];

    /// <summary>(domain, operator) → status</summary>
    public static readonly delegate* unmanaged<nint, OrtCustomOp*, nint> AddToCustomOpDomain = (delegate* unmanaged<nint, OrtCustomOp*, nint>)Functions[27];

    /// <summary>(session options, domain) → status</summary>
    public static readonly delegate* unmanaged<nint, nint, nint> AddCustomOpDomain = (delegate* unmanaged<nint, nint, nint>)Functions[28];

    /// <summary>(value, out data) → status</summary>
    public static readonly delegate* unmanaged<nint, void**, nint> GetTensorMutableData = (delegate* unmanaged<nint, void**, nint>)Functions[51];

    /// <summary>(shape, out count) → status</summary>
    public static readonly delegate* unmanaged<nint, nuint*, nint> GetDimensionsCount = (delegate* unmanaged<nint, nuint*, nint>)Functions[61];

    /// <summary>(shape, sizes, count) → status</summary>
    public static readonly delegate* unmanaged<nint, long*, nuint, nint> GetDimensions = (delegate* unmanaged<nint, long*, nuint, nint>)Functions[62];

    /// <summary>(value, out shape) → status</summary>
    public static readonly delegate* unmanaged<nint, nint*, nint> GetTensorTypeAndShape = (delegate* unmanaged<nint, nint*, nint>)Functions[65];

    /// <summary>(kernel info, attribute, out value) → status</summary>
    public static readonly delegate* unmanaged<nint, byte*, long*, nint> KernelInfoGetAttributeInt64 = (delegate* unmanaged<nint, byte*, long*, nint>)Functions[86];

    /// <summary>(context, index, out value) → status</summary>
    public static readonly delegate* unmanaged<nint, nuint, nint*, nint> KernelContextGetInput = (delegate* unmanaged<nint, nuint, nint*, nint>)Functions[90];

    /// <summary>(context, index, sizes, count, out value) → status</summary>
    public static readonly delegate* unmanaged<nint, nuint, long*, nuint, nint*, nint> KernelContextGetOutput = (delegate* unmanaged<nint, nuint, long*, nuint, nint*, nint>)Functions[91];

    /// <summary>(status)</summary>
    public static readonly delegate* unmanaged<nint, void> ReleaseStatus = (delegate* unmanaged<nint, void>)Functions[93];

    /// <summary>(shape)</summary>
    public static readonly delegate* unmanaged<nint, void> ReleaseTensorTypeAndShapeInfo = (delegate* unmanaged<nint, void>)Functions[99];

    /// <summary>(domain)</summary>
    public static readonly delegate* unmanaged<nint, void> ReleaseCustomOpDomain = (delegate* unmanaged<nint, void>)Functions[101];

    /// <summary>(context, function of state and index, count, batches, state) → status; runs on the session's own threads.</summary>
    public static readonly delegate* unmanaged<nint, delegate* unmanaged<void*, nuint, void>, nuint, nuint, void*, nint> ParallelFor =
        (delegate* unmanaged<nint, delegate* unmanaged<void*, nuint, void>, nuint, nuint, void*, nint>)Functions[274];

    private static nint* Load()
    {
        // The library that the .NET package has loaded, found by the same rules.
        var library = NativeLibrary.Load("onnxruntime", typeof(InferenceSession).Assembly, null);
        var getBase = (delegate* unmanaged<nint*>)NativeLibrary.GetExport(library, "OrtGetApiBase");
        var getApi = (delegate* unmanaged<uint, nint*>)getBase()[0];
        return getApi(Version);
    }
}

/// <summary>An operator as ONNX Runtime knows it, <c>OrtCustomOp</c>: facts about it and what creates and runs its kernels. 0 leaves a function out.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct OrtCustomOp
{
    public uint Version;
    public nint CreateKernel;
    public delegate* unmanaged<OrtCustomOp*, byte*> GetName;
    public delegate* unmanaged<OrtCustomOp*, byte*> GetExecutionProviderType;
    public delegate* unmanaged<OrtCustomOp*, nuint, int> GetInputType;
    public delegate* unmanaged<OrtCustomOp*, nuint> GetInputTypeCount;
    public delegate* unmanaged<OrtCustomOp*, nuint, int> GetOutputType;
    public delegate* unmanaged<OrtCustomOp*, nuint> GetOutputTypeCount;
    public nint KernelCompute;
    public delegate* unmanaged<void*, void> KernelDestroy;
    public delegate* unmanaged<OrtCustomOp*, nuint, int> GetInputCharacteristic;
    public delegate* unmanaged<OrtCustomOp*, nuint, int> GetOutputCharacteristic;
    public delegate* unmanaged<OrtCustomOp*, nuint, int> GetInputMemoryType;
    public delegate* unmanaged<OrtCustomOp*, int> GetVariadicInputMinArity;
    public delegate* unmanaged<OrtCustomOp*, int> GetVariadicInputHomogeneity;
    public delegate* unmanaged<OrtCustomOp*, int> GetVariadicOutputMinArity;
    public delegate* unmanaged<OrtCustomOp*, int> GetVariadicOutputHomogeneity;
    public delegate* unmanaged<OrtCustomOp*, nint, nint, void**, nint> CreateKernelV2;
    public delegate* unmanaged<void*, nint, nint> KernelComputeV2;
    public nint InferOutputShape;
    public delegate* unmanaged<OrtCustomOp*, int> GetStartVersion;
    public delegate* unmanaged<OrtCustomOp*, int> GetEndVersion;

    // Of version 18 on; never looked at with 17.
    public nint GetMayInplace;
    public nint ReleaseMayInplace;
    public nint GetAliasMap;
    public nint ReleaseAliasMap;
}
