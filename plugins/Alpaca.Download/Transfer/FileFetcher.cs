using System.Buffers;
using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>Fetches files of one source into a resume folder, each going on from what an earlier attempt left there. Safe to use for several files at once.</summary>
internal sealed class FileFetcher(IWeightSource source, ResumeStore store, TransferSettings settings, TimeProvider timeProvider)
{
    private const int BufferSize = 1 << 20;

    /// <summary>Fetches a file and checks it.</summary>
    /// <param name="file">The file.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Ends the transfer; the part is kept.</param>
    /// <returns>The complete file, or <see langword="null"/> when the source has no such file.</returns>
    /// <exception cref="DigestMismatchException">The file at the source is not the one that is expected.</exception>
    /// <exception cref="AlpacaException">The source cannot be read, or the disk cannot be written to.</exception>
    public async Task<FetchedFile?> FetchAsync(SourceFile file, DownloadProgress progress, CancellationToken cancellationToken)
    {
        if (store.Find(file) is { } finished) return finished;
        using var bar = progress.StartFile(file.Name, file.Size);
        try
        {
            return await new Transfer(this, file, bar).RunAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{file.Name} could not be written to {store.Folder}: {e.Message} Make room or make the folder writable, then run again; what was fetched so far is kept.", e);
        }
    }

    /// <summary>Throws away a complete file that an earlier attempt left, when the source has another one by now; for files that no digest vouches for.</summary>
    public async Task DiscardIfChangedAsync(string name, CancellationToken cancellationToken)
    {
        if (store.ReadNote(name) is not { Digests: not null } note) return;
        var status = await source.FindAsync(name, cancellationToken).ConfigureAwait(false);
        if (status is null || (status.Size is { } size && size != note.Total) || (status.Version is { } version && version != note.Version)) store.Discard(name);
    }

    /// <summary>One file's way to the disk, through as many connections as it takes.</summary>
    private sealed class Transfer(FileFetcher owner, SourceFile file, FileProgress bar)
    {
        private readonly ResumeStore _store = owner.Store;
        private TransferNote _note = new(null, null);

        /// <summary>Whether something in the part came from an earlier connection.</summary>
        private bool _pieced;

        public async Task<FetchedFile?> RunAsync(CancellationToken cancellationToken)
        {
            _note = (_store.ReadNote(file.Name) ?? _note) with { Digests = null };
            var digests = new DigestSet(file.Expected.Digests.Md5 is not null, file.Expected.Digests.GitSha1 is null ? null : file.Size);
            bar.Report(_store.BytesOf(file));
            await using var part = await PartFile.OpenAsync(_store.PartOf(file.Name), digests, keep: _note != new TransferNote(null, null), cancellationToken).ConfigureAwait(false);
            var (furthest, failures, anew) = (part.Length, 0, false);
            while (true)
            {
                try
                {
                    if (!await AppendRestAsync(part, cancellationToken).ConfigureAwait(false))
                    {
                        await part.DisposeAsync().ConfigureAwait(false);
                        _store.Discard(file.Name);
                        return null;
                    }

                    var computed = part.Finish();
                    if (file.Expected.Digests.Unmet(computed) is not { } unmet)
                    {
                        await part.DisposeAsync().ConfigureAwait(false);
                        return _store.Complete(file.Name, _note with { Digests = computed });
                    }

                    // What was there before may have been damaged since, and a wrong length cuts off unnoticed: such a file gets one more chance, whole.
                    var isDoubtful = _pieced || (file.Size is { } size && size != part.Length);
                    Forget(part);
                    if (!isDoubtful || anew) throw Mismatch(unmet);
                    (_pieced, anew) = (false, true);
                }
                catch (InterruptedTransferException e)
                {
                    if (part.Length > furthest) (furthest, failures) = (part.Length, 0);
                    if (++failures > owner.Settings.Retries)
                        throw new AlpacaException($"{file.Name} could not be fetched completely: {e.Message} Check the network and the source, then run again; the part fetched so far is kept.", e);
                    await Task.Delay(owner.Settings.Delay(failures), owner.Time, cancellationToken).ConfigureAwait(false);
                }
            }
        }

        /// <summary>Appends to the part what is missing.</summary>
        /// <returns>Whether the source has the file.</returns>
        private async Task<bool> AppendRestAsync(PartFile part, CancellationToken cancellationToken)
        {
            _pieced |= part.Length > 0;
            if (IsWhole(part)) return true;
            await using var content = await owner.Source.OpenAsync(file.Name, _note.Version is null ? 0 : part.Length, _note.Version, cancellationToken).ConfigureAwait(false);
            if (content is null) return false;

            var length = Continue(part, content);
            var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
            try
            {
                using var stall = new CancellationTokenSource(Timeout.InfiniteTimeSpan, owner.Time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, cancellationToken);
                while (await ReadAsync(content.Stream, buffer, stall, either.Token, cancellationToken).ConfigureAwait(false) is var read and > 0)
                {
                    await part.AppendAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                    bar.Report(part.Length);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }

            if (length is not { } expected || part.Length == expected) return true;
            var sent = part.Length;
            if (sent > expected) Forget(part);
            throw new InterruptedTransferException($"the source sent {sent:N0} of {expected:N0} bytes.");
        }

        /// <summary>Whether an attempt ended between the last byte and the end. Where no digest tells, the source must still have that version.</summary>
        private bool IsWhole(PartFile part)
            => part.Length > 0 && part.Length == (file.Size ?? _note.Total) && (!file.Expected.Digests.IsEmpty || (_note.Version is not null && _note.Version == file.Version));

        /// <summary>Makes the part fit what the source sends, and notes what that belongs to.</summary>
        /// <returns>The length of the whole file, where it is known.</returns>
        private long? Continue(PartFile part, SourceContent content)
        {
            var length = content.Length ?? (content.Offset > 0 ? _note.Total : null);
            if (content.Offset > 0 && _note.Total is { } noted && noted != length)
            {
                Forget(part);
                throw Contradiction(length, noted);
            }

            // Where a digest is known it decides; elsewhere two statements about the length must agree.
            if (file.Expected.Digests.IsEmpty && file.Size is { } announced && length is not null && length != announced) throw Contradiction(length, announced);

            if (content.Offset == 0)
            {
                if (part.Length > 0) part.Restart();
                _pieced = false;
            }

            var note = new TransferNote(content.Version, length);
            if (note != _note) _store.WriteNote(file.Name, _note = note);
            if (length is { } total) bar.SetTotal(total);
            bar.Report(part.Length);
            return length;
        }

        private void Forget(PartFile part)
        {
            part.Restart();
            _note = new TransferNote(null, null);
            _store.WriteNote(file.Name, _note);
            bar.Report(0);
        }

        private DigestMismatchException Mismatch((string Algorithm, string Expected, string Actual) unmet)
            => new($"{file.Name} has {unmet.Algorithm} {unmet.Actual}, but {file.Expected.Authority} says {unmet.Expected}; {file.Expected.Mend}. The copy was discarded.");

        private static InterruptedTransferException Contradiction(long? now, long before) => new($"the source says that the file has {now:N0} bytes, and said {before:N0} before.");

        /// <summary>Reads once; a source that sends nothing for too long counts as cut off.</summary>
        private async Task<int> ReadAsync(Stream stream, byte[] buffer, CancellationTokenSource stall, CancellationToken either, CancellationToken cancellationToken)
        {
            stall.CancelAfter(owner.Settings.StallTimeout);
            try
            {
                return await stream.ReadAsync(buffer.AsMemory(0, BufferSize), either).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new InterruptedTransferException($"nothing arrived for {owner.Settings.StallTimeout.TotalSeconds:0.#} seconds.");
            }
            catch (IOException e)
            {
                // Told apart here from a failure to write, which trying again would not mend.
                throw new InterruptedTransferException(e.Message, e);
            }
        }
    }

    private IWeightSource Source => source;

    private ResumeStore Store => store;

    private TransferSettings Settings => settings;

    private TimeProvider Time => timeProvider;
}
