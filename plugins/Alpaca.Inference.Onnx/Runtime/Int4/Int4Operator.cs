using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Alpaca.Formats;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>The operator that multiplies by the matrices of an <see cref="Int4Graph"/>: x [..., K] → y [..., N].</summary>
/// <remarks>
/// ONNX Runtime calls it like one of its own, and it works on the session's threads. Whatever ONNX Runtime holds a pointer to is native memory that lives as long as this object, which must outlive the session.
/// </remarks>
internal sealed unsafe class Int4Operator : IDisposable
{
    /// <summary>The domain that the operator is registered in.</summary>
    public const string Domain = "alpaca";

    /// <summary>The version of <see cref="Domain"/>.</summary>
    public const int Version = 1;

    /// <summary>The operator.</summary>
    public const string Name = "Int4MatMul";

    /// <summary>The attribute with the number of the matrix.</summary>
    public const string Number = "matrix";

    private const int Float = 1; // ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
    private const int RuntimeException = 6; // ORT_RUNTIME_EXCEPTION
    private const int MostDimensions = 8;

    private readonly IReadOnlyList<Int4Matrix> _matrices;
    private readonly GCHandle[] _handles;
    private readonly int _threads;
    private Definition* _definition;
    private nint _domain;

    private Int4Operator(IReadOnlyList<Int4Matrix> matrices, int threads)
    {
        (_matrices, _threads) = (matrices, threads);
        _handles = [.. matrices.Select(matrix => GCHandle.Alloc(matrix))];
        _definition = (Definition*)NativeMemory.AllocZeroed((nuint)sizeof(Definition));
        _definition->Owner = GCHandle.Alloc(this);
        _definition->Operator = new OrtCustomOp
        {
            Version = OrtNative.Version,
            GetName = &GetName,
            GetExecutionProviderType = &GetExecutionProviderType,
            GetInputType = &GetElementType,
            GetInputTypeCount = &GetCount,
            GetOutputType = &GetElementType,
            GetOutputTypeCount = &GetCount,
            KernelDestroy = &DestroyKernel,
            GetInputCharacteristic = &GetZero,
            GetOutputCharacteristic = &GetZero,
            GetInputMemoryType = &GetZero,
            CreateKernelV2 = &CreateKernel,
            KernelComputeV2 = &Compute,
            GetStartVersion = &GetVersion,
            GetEndVersion = &GetVersion,
        };
    }

    /// <summary>Loads the matrices of a graph.</summary>
    /// <param name="products">The products that the operator is to do, by number.</param>
    /// <param name="weights">The model's initializers.</param>
    /// <param name="threads">The session's threads.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="OutOfMemoryException">There is not enough memory.</exception>
    public static Int4Operator Load(IReadOnlyList<Int4Product> products, OnnxTensorSource weights, int threads, CancellationToken cancellationToken)
    {
        var matrices = new List<Int4Matrix>(products.Count);
        try
        {
            foreach (var product in products) matrices.Add(Int4Matrix.Read(weights, product, threads, cancellationToken));
            return new Int4Operator(matrices, threads);
        }
        catch
        {
            foreach (var matrix in matrices) matrix.Dispose();
            throw;
        }
    }

    /// <summary>Makes the operator known to the session that will be opened with some options.</summary>
    /// <exception cref="InvalidOperationException">ONNX Runtime refuses it.</exception>
    public void Register(SessionOptions options)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{Domain}\0"))
        {
            nint domain;
            ThrowIfFailed(OrtNative.CreateCustomOpDomain(name, &domain));
            _domain = domain;
        }

        ThrowIfFailed(OrtNative.AddToCustomOpDomain(_domain, &_definition->Operator));
        ThrowIfFailed(OrtNative.AddCustomOpDomain(options.DangerousGetHandle(), _domain));
        GC.KeepAlive(options);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_definition is null) return;
        if (_domain != 0) OrtNative.ReleaseCustomOpDomain(_domain);
        _definition->Owner.Free();
        NativeMemory.Free(_definition);
        _definition = null;
        foreach (var handle in _handles) handle.Free();
        foreach (var matrix in _matrices) matrix.Dispose();
    }

    private static void ThrowIfFailed(nint status)
    {
        if (status == 0) return;
        var message = Marshal.PtrToStringUTF8((nint)OrtNative.GetErrorMessage(status));
        OrtNative.ReleaseStatus(status);
        throw new InvalidOperationException(message);
    }

    // What follows is called by ONNX Runtime, where no exception may arrive; literals are the names above as C has them.
    [UnmanagedCallersOnly]
    private static byte* GetName(OrtCustomOp* definition) => Constant("Int4MatMul\0"u8);

    [UnmanagedCallersOnly]
    private static byte* GetExecutionProviderType(OrtCustomOp* definition) => Constant("CPUExecutionProvider\0"u8);

    [UnmanagedCallersOnly]
    private static int GetElementType(OrtCustomOp* definition, nuint index) => Float;

    [UnmanagedCallersOnly]
    private static nuint GetCount(OrtCustomOp* definition) => 1;

    /// <summary>A required input or output, in the usual memory.</summary>
    [UnmanagedCallersOnly]
    private static int GetZero(OrtCustomOp* definition, nuint index) => 0;

    [UnmanagedCallersOnly]
    private static int GetVersion(OrtCustomOp* definition) => Version;

    /// <summary>A node's kernel is the handle of its matrix and the session's threads.</summary>
    [UnmanagedCallersOnly]
    private static nint CreateKernel(OrtCustomOp* definition, nint api, nint info, void** kernel)
    {
        var owner = (Int4Operator)((Definition*)definition)->Owner.Target!;
        long number = -1;
        var status = OrtNative.KernelInfoGetAttributeInt64(info, Constant("matrix\0"u8), &number);
        if (status != 0) return status;
        if (number < 0 || number >= owner._handles.Length) return Failure("there is no such matrix");
        var created = (Kernel*)NativeMemory.Alloc((nuint)sizeof(Kernel));
        *created = new Kernel(owner._handles[number], owner._threads);
        *kernel = created;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static void DestroyKernel(void* kernel) => NativeMemory.Free(kernel);

    [UnmanagedCallersOnly]
    private static nint Compute(void* kernel, nint context)
    {
        try
        {
            return Multiply((Kernel*)kernel, context);
        }
        catch (Exception e)
        {
            return Failure(e.Message);
        }
    }

    private static nint Multiply(Kernel* kernel, nint context)
    {
        nint input, shape, output, status;
        nuint dimensions;
        void* x;
        void* y;
        var sizes = stackalloc long[MostDimensions];
        if ((status = OrtNative.KernelContextGetInput(context, 0, &input)) != 0 || (status = OrtNative.GetTensorTypeAndShape(input, &shape)) != 0) return status;
        try
        {
            if ((status = OrtNative.GetDimensionsCount(shape, &dimensions)) != 0) return status;
            if (dimensions is 0 or > MostDimensions) return Failure($"activations have {dimensions} dimensions");
            if ((status = OrtNative.GetDimensions(shape, sizes, dimensions)) != 0) return status;
        }
        finally
        {
            OrtNative.ReleaseTensorTypeAndShapeInfo(shape);
        }

        var matrix = (Int4Matrix)kernel->Matrix.Target!;
        var last = (int)dimensions - 1;
        if (sizes[last] != matrix.Columns) return Failure($"activations have {sizes[last]} elements and not {matrix.Columns}");
        var rows = 1;
        for (var i = 0; i < last; i++) rows = checked(rows * (int)sizes[i]);
        sizes[last] = matrix.Rows;
        if ((status = OrtNative.KernelContextGetOutput(context, 0, sizes, dimensions, &output)) != 0 || rows == 0) return status;
        if ((status = OrtNative.GetTensorMutableData(input, &x)) != 0 || (status = OrtNative.GetTensorMutableData(output, &y)) != 0) return status;

        var memory = ArrayPool<byte>.Shared.Rent(Int4Multiplication.MemoryBytes(matrix, rows));
        try
        {
            fixed (byte* start = memory)
            {
                var product = new Int4Multiplication(kernel->Matrix, (float*)x, rows, (float*)y, kernel->Threads, start);
                if (product.RoundParts == 1) product.RoundPart(0);
                else if ((status = OrtNative.ParallelFor(context, &RoundPart, (nuint)product.RoundParts, 0, &product)) != 0) return status;
                return OrtNative.ParallelFor(context, &MultiplyPart, (nuint)product.MultiplyParts, 0, &product);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(memory);
        }
    }

    [UnmanagedCallersOnly]
    private static void RoundPart(void* product, nuint part) => ((Int4Multiplication*)product)->RoundPart((int)part);

    [UnmanagedCallersOnly]
    private static void MultiplyPart(void* product, nuint part) => ((Int4Multiplication*)product)->MultiplyPart((int)part);

    private static nint Failure(string message)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes($"{Name}: {message}\0")) return OrtNative.CreateStatus(RuntimeException, text);
    }

    /// <summary>The address of a literal: data of the assembly, which does not move.</summary>
    private static byte* Constant(ReadOnlySpan<byte> literal) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(literal));

    /// <summary>What ONNX Runtime has of the operator, and behind it whose it is.</summary>
    private struct Definition
    {
        public OrtCustomOp Operator;
        public GCHandle Owner;
    }

    /// <summary>What ONNX Runtime has of a node.</summary>
    private readonly record struct Kernel(GCHandle Matrix, int Threads);
}
