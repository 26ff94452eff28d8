using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Alpaca.Host;

/// <summary>The standard output of a stage worker, taken away from everybody else.</summary>
internal sealed partial class WorkerOutput : IDisposable
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    private readonly Lock _lock = new();
    private readonly StreamWriter _writer;

    /// <summary>Writes messages to a stream.</summary>
    public WorkerOutput(Stream stream) => _writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true, NewLine = "\n" };

    /// <summary>Takes this process's standard output. What anybody else writes there from now on, native libraries included, goes to standard error.</summary>
    public static WorkerOutput OfProcess()
    {
        var stream = OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : Redirect();
        Console.SetOut(Console.Error);
        return new WorkerOutput(stream);
    }

    /// <summary>Writes a line. Where nobody reads any more there is nobody to tell either: the end of standard input stops the stage.</summary>
    public void Write(WorkerMessage message)
    {
        var line = WorkerJson.Write(message);
        try
        {
            lock (_lock) _writer.WriteLine(line);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The service has ended, or a thread of the stage that outlived it reports something.
        }
    }

    public void Dispose()
    {
        lock (_lock) _writer.Dispose();
    }

    private static FileStream Redirect()
    {
        var own = Duplicate(StandardOutput);
        if (own < 0 || Duplicate(StandardError, StandardOutput) < 0) throw new IOException($"Standard output cannot be redirected (error {Marshal.GetLastPInvokeError()}).");
        return new FileStream(new SafeFileHandle(own, ownsHandle: true), FileAccess.Write, bufferSize: 0);
    }

    [LibraryImport("libc", EntryPoint = "dup", SetLastError = true)]
    private static partial int Duplicate(int descriptor);

    [LibraryImport("libc", EntryPoint = "dup2", SetLastError = true)]
    private static partial int Duplicate(int descriptor, int target);
}
