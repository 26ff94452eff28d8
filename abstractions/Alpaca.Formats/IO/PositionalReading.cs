using Microsoft.Win32.SafeHandles;

namespace Alpaca.Formats;

/// <summary>Reads at positions, which may give less than was asked for.</summary>
internal static class PositionalReading
{
    /// <summary>Fills the destination as far as the file goes.</summary>
    /// <returns>The bytes read; fewer than asked for only where the file ends.</returns>
    public static int ReadUpTo(this SafeFileHandle handle, long offset, Span<byte> destination)
    {
        var done = 0;
        while (done < destination.Length && RandomAccess.Read(handle, destination[done..], offset + done) is var count and > 0)
        {
            done += count;
        }

        return done;
    }
}
