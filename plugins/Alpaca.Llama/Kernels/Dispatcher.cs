using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Alpaca.Llama;

/// <summary>Calls operators of libtorch that TorchSharp does not expose, through the stable C ABI that libtorch exports since 2.10 (<c>torch_call_dispatcher</c>).</summary>
/// <remarks>
/// <para>The dispatcher takes a stack of 64-bit slots: arguments in the order of the operator's schema, in whose place it leaves the results. Numbers are their bits; a tensor is a handle,
/// which the callee takes over; an optional value is 0, or the address of a slot that the callee frees; a list is a handle too.</para>
/// <para>Autograd and devices work as in any other call. A failed call prints libtorch's message on standard error and gives an error code.</para>
/// </remarks>
internal static unsafe class Dispatcher
{
    // What torch/csrc/stable calls TORCH_TARGET_VERSION: the ABI of 2.10, in which the schemas below are read.
    private const ulong TargetVersion = (2UL << 56) | (10UL << 48);

    private static readonly Exports? Library = Exports.Find();

    /// <summary>Whether this libtorch has the ABI.</summary>
    public static bool IsAvailable => Library is not null;

    /// <summary>The version of libtorch, major and minor; (0, 0) without the ABI.</summary>
    public static (int Major, int Minor) Version
        => Library is null ? (0, 0) : ((int)(((delegate* unmanaged<ulong>)Library.AbiVersion)() >> 56), (int)(((delegate* unmanaged<ulong>)Library.AbiVersion)() >> 48) & 0xff);

    /// <summary>A slot for a tensor.</summary>
    public static ulong Slot(Tensor tensor)
    {
        IntPtr handle;
        Check(((delegate* unmanaged<IntPtr, IntPtr*, int>)Required.NewTensorHandle)(tensor.Handle, &handle), "aoti_torch_new_tensor_handle");
        GC.KeepAlive(tensor);
        return (ulong)handle;
    }

    /// <summary>A slot for an optional tensor.</summary>
    public static ulong OptionalSlot(Tensor? tensor) => tensor is null ? 0 : Some(Slot(tensor));

    /// <summary>A slot for a number that is there, where the schema has an optional one.</summary>
    public static ulong OptionalSlot(double value) => Some(Slot(value));

    /// <summary>A slot for a number.</summary>
    public static ulong Slot(double value) => BitConverter.DoubleToUInt64Bits(value);

    /// <summary>A slot for a truth value.</summary>
    public static ulong Slot(bool value) => value ? 1UL : 0UL;

    /// <summary>A slot for a list of slots.</summary>
    public static ulong Slots(params ReadOnlySpan<ulong> items)
    {
        IntPtr list;
        Check(((delegate* unmanaged<nuint, IntPtr*, int>)Required.NewList)((nuint)items.Length, &list), "torch_new_list_reserve_size");
        foreach (var item in items) Check(((delegate* unmanaged<IntPtr, ulong, int>)Required.PushBack)(list, item), "torch_list_push_back");
        return (ulong)list;
    }

    /// <summary>The tensor in a slot that a call has left, in the current dispose scope.</summary>
    public static Tensor TensorOf(ulong slot) => Tensor.UnsafeCreateTensor((IntPtr)slot);

    /// <summary>Drops a tensor that a call has left and nobody needs.</summary>
    public static void Drop(ulong slot) => Check(((delegate* unmanaged<IntPtr, int>)Required.DeleteTensor)((IntPtr)slot), "aoti_torch_delete_tensor_object");

    /// <summary>Calls an operator.</summary>
    /// <param name="name">Its name, zero-terminated: <c>"aten::rms_norm\0"u8</c>.</param>
    /// <param name="stack">The arguments; the results afterwards. At least as long as either.</param>
    /// <exception cref="InvalidOperationException">libtorch refused; its message is on standard error.</exception>
    public static void Call(ReadOnlySpan<byte> name, Span<ulong> stack)
    {
        var noOverload = 0;
        fixed (byte* text = name)
        fixed (ulong* slots = stack)
        {
            Check(((delegate* unmanaged<byte*, byte*, ulong*, ulong, int>)Required.Call)(text, (byte*)&noOverload, slots, TargetVersion), System.Text.Encoding.ASCII.GetString(name[..^1]));
        }
    }

    private static Exports Required => Library ?? throw new NotSupportedException("This libtorch is older than 2.10 and has no dispatcher in its C ABI.");

    private static ulong Some(ulong value)
    {
        var slot = (ulong*)NativeMemory.Alloc(sizeof(ulong)); // freed by the callee
        *slot = value;
        return (ulong)slot;
    }

    private static void Check(int code, string what)
    {
        if (code != 0) throw new InvalidOperationException($"{what} failed with code {code}; libtorch's message is on standard error.");
    }

    private sealed record Exports(IntPtr Call, IntPtr AbiVersion, IntPtr NewTensorHandle, IntPtr DeleteTensor, IntPtr NewList, IntPtr PushBack)
    {
        /// <summary>Looks the functions up in the libtorch that TorchSharp has loaded.</summary>
        public static Exports? Find()
        {
            // Loads TorchSharp's libraries if nothing has done so; afterwards the name alone finds the one that is there.
            _ = TryInitializeDeviceType(TorchSharp.DeviceType.CPU);
            var file = OperatingSystem.IsWindows() ? "torch_cpu.dll" : OperatingSystem.IsMacOS() ? "libtorch_cpu.dylib" : "libtorch_cpu.so";
            if (!NativeLibrary.TryLoad(file, out var library)) return null;
            return Export("torch_call_dispatcher") is { } call
                && Export("aoti_torch_abi_version") is { } version
                && Export("aoti_torch_new_tensor_handle") is { } newTensor
                && Export("aoti_torch_delete_tensor_object") is { } deleteTensor
                && Export("torch_new_list_reserve_size") is { } newList
                && Export("torch_list_push_back") is { } pushBack
                ? new Exports(call, version, newTensor, deleteTensor, newList, pushBack)
                : null;

            IntPtr? Export(string name) => NativeLibrary.TryGetExport(library, name, out var address) ? address : null;
        }
    }
}
