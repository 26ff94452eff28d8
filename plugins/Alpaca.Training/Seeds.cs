using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Alpaca.Training;

/// <summary>Independent seeds from the one seed of a request.</summary>
internal static class Seeds
{
    /// <summary>A seed for one purpose at one point of the run; equal arguments give equal seeds on every machine.</summary>
    /// <param name="seed">The seed of the request.</param>
    /// <param name="purpose">What the random numbers are for.</param>
    /// <param name="index">The epoch or step.</param>
    /// <returns>0 or more.</returns>
    public static int Derive(int seed, string purpose, long index = 0)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{seed}/{purpose}/{index}")), hash);
        return BinaryPrimitives.ReadInt32LittleEndian(hash) & int.MaxValue;
    }
}
