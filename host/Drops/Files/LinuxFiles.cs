using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Alpaca.Host;

/// <summary>Linux's file system below .NET's, which follows links, opens pipes, replaces files between a look and a move, and has no paths that are not UTF-8.</summary>
internal static unsafe partial class LinuxFiles
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const int EmptyPath = 0x1000; // AT_EMPTY_PATH
    private const uint BasicStats = 0x7FF; // STATX_BASIC_STATS
    private const int StateBytes = 256; // of struct statx, the same on every processor
    private const int NameOffset = 19; // of d_name in struct dirent
    private const uint NoReplace = 1; // RENAME_NOREPLACE
    private const int LockShared = 1 | 4; // LOCK_SH | LOCK_NB

    private const int NotPermitted = 1, NotThere = 2, WouldBlock = 11, AccessDenied = 13, OtherDevice = 18, NotAFolder = 20, Invalid = 22, NotImplemented = 38;

    private static int OpenFlags { get; } = 0x800 | 0x80000 | (RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x8000 : 0x20000); // O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW

    public static List<string> Names(string folder)
    {
        var stream = OpenFolder(EscapedName.Encode(folder));
        if (stream == 0) throw Error(folder);
        try
        {
            var names = new List<string>();
            nint entry;
            while ((entry = NextEntry(stream)) != 0)
            {
                var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)entry + NameOffset);
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)) names.Add(EscapedName.Decode(name));
            }

            return Marshal.GetLastPInvokeError() == 0 ? names : throw Error(folder);
        }
        finally
        {
            _ = CloseFolder(stream);
        }
    }

    public static DropState? StateOf(string path)
    {
        var state = stackalloc byte[StateBytes];
        if (StatX(CurrentFolder, EscapedName.Encode(path), NoFollow, BasicStats, state) == 0) return ReadState(new ReadOnlySpan<byte>(state, StateBytes));
        return Marshal.GetLastPInvokeError() is NotThere or NotAFolder ? null : throw Error(path);
    }

    public static SafeFileHandle OpenRead(string path)
    {
        // Without waiting: a pipe that took the file's place since the last look would otherwise hold this up for ever.
        var descriptor = Open(EscapedName.Encode(path), OpenFlags);
        if (descriptor < 0) throw Error(path);
        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            var state = stackalloc byte[StateBytes];
            if (StatX(descriptor, [0], EmptyPath, BasicStats, state) != 0) throw Error(path);
            if (ReadState(new ReadOnlySpan<byte>(state, StateBytes)).Kind != DropKind.File) throw new IOException("It is not a file.");

            // .NET's own lock: it fails while another .NET program writes. Some file systems have none, which is no reason not to read.
            if (Lock(descriptor, LockShared) != 0 && Marshal.GetLastPInvokeError() == WouldBlock) throw new IOException("Another program has locked it.");
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    public static void Move(string source, string target)
    {
        if (Rename(CurrentFolder, EscapedName.Encode(source), CurrentFolder, EscapedName.Encode(target), NoReplace) == 0) return;

        // A file system that cannot promise not to replace, or a folder on a disk of its own. What is no file is better left where it is than copied.
        var (number, error) = (Marshal.GetLastPInvokeError(), Error(source));
        if (number is not (Invalid or NotImplemented or OtherDevice) || !EscapedName.IsPlain(source) || StateOf(source) is not { Kind: DropKind.File }) throw error;
#pragma warning disable RS0030 // DropFiles tells of it
        File.Move(source, target);
#pragma warning restore RS0030
    }

    private static DropState ReadState(ReadOnlySpan<byte> state)
    {
        var kind = (BitConverter.ToUInt16(state[28..]) & 0xF000) switch
        {
            0x8000 => DropKind.File,
            0x4000 => DropKind.Folder,
            0xA000 => DropKind.Link,
            _ => DropKind.Special,
        };
        return new DropState(kind, BitConverter.ToUInt64(state[32..]), BitConverter.ToInt64(state[40..]), Nanoseconds(state[112..]), Nanoseconds(state[96..]));
    }

    /// <summary>Seconds and nanoseconds as one number; what does not fit wraps, which does no harm to a comparison.</summary>
    private static long Nanoseconds(ReadOnlySpan<byte> time) => unchecked((BitConverter.ToInt64(time) * 1_000_000_000) + BitConverter.ToUInt32(time[8..]));

    private static Exception Error(string path)
    {
        var number = Marshal.GetLastPInvokeError();
        var message = $"{DropNames.Printable(path)}: {Marshal.GetPInvokeErrorMessage(number)}";
        return number is NotPermitted or AccessDenied ? new UnauthorizedAccessException(message) : new IOException(message, number);
    }

    [LibraryImport("libc", EntryPoint = "opendir", SetLastError = true)]
    private static partial nint OpenFolder(byte[] path);

    [LibraryImport("libc", EntryPoint = "readdir", SetLastError = true)]
    private static partial nint NextEntry(nint folder);

    [LibraryImport("libc", EntryPoint = "closedir")]
    private static partial int CloseFolder(nint folder);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int StatX(int folder, byte[] path, int flags, uint mask, byte* state);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    private static partial int Open(byte[] path, int flags);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Lock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true)]
    private static partial int Rename(int sourceFolder, byte[] source, int targetFolder, byte[] target, uint flags);
}
