using System.Diagnostics;
using Alpaca.Abstractions;

namespace Alpaca.TestSupport;

/// <summary>What a reader may allocate for an input: a constant, and so many bytes for each of the input's.</summary>
internal sealed record AllocationBound(long Constant, double Factor)
{
    public double For(long length) => Constant + (Factor * length);
}

/// <summary>
/// Feeds a reader hostile inputs. Each must end in an <see cref="AlpacaException"/> that names the file or in success, within the bound on memory and within a
/// generous time limit; anything else fails with the seed that makes the input again.
/// </summary>
internal sealed class HostileRun
{
    // For inputs of a few KB that take a millisecond; a loaded machine must not matter.
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(60);

    private readonly string _fileName;
    private readonly AllocationBound _bound;
    private readonly Func<Random, byte[]> _make;
    private readonly Action<byte[]> _prepare;
    private readonly Action _read;
    private readonly List<string> _failures = [];
    private int _seed;

    /// <param name="fileName">What every error must mention.</param>
    /// <param name="bound">What reading may allocate.</param>
    /// <param name="make">Makes an input.</param>
    /// <param name="prepare">Puts it where the reader finds it.</param>
    /// <param name="read">Opens and reads it; throws when what it read is not consistent.</param>
    public HostileRun(string fileName, AllocationBound bound, Func<Random, byte[]> make, Action<byte[]> prepare, Action read) =>
        (_fileName, _bound, _make, _prepare, _read) = (fileName, bound, make, prepare, read);

    public int Opened { get; private set; }

    public int Refused { get; private set; }

    /// <summary>Goes through the seeds from <paramref name="firstSeed"/> on.</summary>
    /// <param name="firstSeed">The first seed.</param>
    /// <param name="count">How many.</param>
    /// <param name="stopAfter">Stops early after this time, for runs that may be as long as one likes.</param>
    public HostileRun Over(int firstSeed, int count, TimeSpan? stopAfter = null)
    {
        var clock = Stopwatch.StartNew();
        var worker = new Thread(() => Loop(firstSeed, count, () => stopAfter is { } limit && clock.Elapsed > limit)) { IsBackground = true };
        worker.Start();
        var (last, since) = (-1, clock.Elapsed);
        while (!worker.Join(TimeSpan.FromSeconds(1)))
        {
            var current = Volatile.Read(ref _seed);
            (last, since) = current == last ? (last, since) : (current, clock.Elapsed);
            (clock.Elapsed - since).Should().BeLessThan(TimeLimit, "seed {0} must not hang the reader of {1}", current, _fileName);
        }

        _failures.Should().BeEmpty();
        return this;
    }

    private void Loop(int firstSeed, int count, Func<bool> isOver)
    {
        for (var i = -2; i < count && _failures.Count < 20 && !isOver(); i++)
        {
            // The first rounds load code and fill caches; what they allocate says nothing.
            var seed = firstSeed + Math.Max(i, 0);
            Volatile.Write(ref _seed, seed);
            try
            {
                var input = _make(new Random(seed));
                _prepare(input);
                One(seed, input, isMeasured: i >= 0);
            }
#pragma warning disable CA1031 // on a thread of its own it would end the process
            catch (Exception e)
#pragma warning restore CA1031
            {
                _failures.Add($"seed {seed} cannot be tried: {e}");
            }
        }
    }

    private void One(int seed, byte[] input, bool isMeasured)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refused = false;
        try
        {
            _read();
        }
        catch (AlpacaException e)
        {
            refused = true;
            if (!e.Message.Contains(_fileName, StringComparison.Ordinal))
            {
                _failures.Add($"seed {seed}: the error does not name {_fileName}: {e.Message}");
            }
        }
#pragma warning disable CA1031 // that nothing else escapes is what is tested
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failures.Add($"seed {seed}: {e}");
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (!isMeasured)
        {
            return;
        }

        (Opened, Refused) = refused ? (Opened, Refused + 1) : (Opened + 1, Refused);
        if (allocated > _bound.For(input.Length))
        {
            _failures.Add($"seed {seed}: {allocated} bytes allocated for an input of {input.Length}");
        }
    }
}
