using System.Buffers;
using System.Security.Cryptography;
using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>Fetches one file into a folder, going on from what an earlier attempt left there.</summary>
/// <remarks>
/// While it is incomplete a file is called <c>name.part</c>, and <c>name.version</c> beside it says which version of the source's file it is a part of. Only a complete,
/// verified file carries its own name, so a file that is there need not be fetched again.
/// </remarks>
internal sealed class FileFetcher(IWeightSource source, string folder, IStageProgress progress, TimeProvider timeProvider)
{
    private const int BufferSize = 1 << 20;
    private const int MaxTriesWithoutProgress = 4;
    private static readonly TimeSpan StallTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Fetches a file.</summary>
    /// <param name="name">Its path below the source.</param>
    /// <param name="md5">The digest it must have, 32 lower-case hex digits, or <see langword="null"/> when none is known.</param>
    /// <param name="cancellationToken">Ends the transfer; the part is kept.</param>
    /// <returns>The path of the complete file, or <see langword="null"/> when the source has no such file.</returns>
    /// <exception cref="AlpacaException">The source cannot be read, or the file is not the one the checklist describes.</exception>
    public async Task<string?> FetchAsync(string name, string? md5, CancellationToken cancellationToken)
    {
        var complete = Path.Combine(folder, name.Replace('/', Path.DirectorySeparatorChar));
        if (File.Exists(complete)) return complete;

        Directory.CreateDirectory(Path.GetDirectoryName(complete)!);
        var part = complete + ".part";
        var versionFile = complete + ".version";
        using var task = progress.Start(name, null, ProgressUnit.Bytes);
        for (var failures = 0; ; failures++)
        {
            var before = File.Exists(part) ? new FileInfo(part).Length : 0;
            try
            {
                var digest = await TransferAsync(name, part, versionFile, task, cancellationToken).ConfigureAwait(false);
                if (digest is null) return null;
                if (md5 is not null && digest != md5)
                {
                    File.Delete(part);
                    throw new AlpacaException($"{name} has MD5 {digest}, but its checklist says {md5}; the file at the source is damaged or the checklist belongs to another one. The copy was discarded.");
                }

                File.Move(part, complete, overwrite: true);
                File.Delete(versionFile);
                return complete;
            }
            catch (Exception e) when (e is TimeoutException or EndOfStreamException)
            {
                if (File.Exists(part) && new FileInfo(part).Length > before) failures = 0;
                if (failures >= MaxTriesWithoutProgress)
                    throw new AlpacaException($"{name} could not be fetched completely: {e.Message} Check the network, then run again; the part fetched so far is kept.", e);
                await Task.Delay(TimeSpan.FromSeconds(1 << failures), timeProvider, cancellationToken).ConfigureAwait(false);
            }
            catch (IOException e)
            {
                throw new AlpacaException($"{name} could not be written to {folder}: {e.Message} Make room or make the folder writable, then run again; the part fetched so far is kept.", e);
            }
        }
    }

    /// <summary>Appends to the part what is missing.</summary>
    /// <returns>The MD5 of the whole file, or <see langword="null"/> when the source has no such file.</returns>
    private async Task<string?> TransferAsync(string name, string part, string versionFile, IProgressTask task, CancellationToken cancellationToken)
    {
        var have = File.Exists(part) ? new FileInfo(part).Length : 0;
        var version = have > 0 && File.Exists(versionFile) ? await File.ReadAllTextAsync(versionFile, cancellationToken).ConfigureAwait(false) : null;
        await using var content = await source.OpenAsync(name, version is null ? 0 : have, version, cancellationToken).ConfigureAwait(false);
        if (content is null) return null;

        if (content.Length is { } length) task.SetTotal(length);
        if (content.Version is not null) await File.WriteAllTextAsync(versionFile, content.Version, cancellationToken).ConfigureAwait(false);
        else File.Delete(versionFile);

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            await using var target = new FileStream(part, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, BufferSize = 0, Options = FileOptions.SequentialScan | FileOptions.Asynchronous,
            });
            await HashPrefixAsync(target, content.Offset, hash, buffer, cancellationToken).ConfigureAwait(false);
            target.SetLength(content.Offset);
            var done = content.Offset;
            while (await ReadAsync(content.Stream, buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
            {
                hash.AppendData(buffer, 0, read);
                await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                task.Report(done += read);
            }

            if (content.Length is { } expected && done != expected)
                throw new EndOfStreamException($"the source sent {done:N0} of {expected:N0} bytes.");
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task HashPrefixAsync(FileStream target, long length, IncrementalHash hash, byte[] buffer, CancellationToken cancellationToken)
    {
        for (var remaining = length; remaining > 0;)
        {
            var read = await target.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, remaining)), cancellationToken).ConfigureAwait(false);
            hash.AppendData(buffer, 0, read);
            remaining -= read;
        }
    }

    /// <summary>Reads once; a source that sends nothing for a minute counts as cut off.</summary>
    private async Task<int> ReadAsync(Stream stream, byte[] buffer, CancellationToken cancellationToken)
    {
        using var stall = new CancellationTokenSource(StallTimeout, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, cancellationToken);
        try
        {
            return await stream.ReadAsync(buffer.AsMemory(0, BufferSize), either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"nothing arrived for {StallTimeout.TotalSeconds:N0} seconds.");
        }
        catch (IOException e)
        {
            // Told apart here from a failure to write, which trying again would not mend.
            throw new EndOfStreamException(e.Message, e);
        }
    }
}
