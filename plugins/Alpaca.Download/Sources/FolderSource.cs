using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>Weights in a local folder.</summary>
internal sealed class FolderSource(string folder) : IWeightSource
{
    public string DisplayName => folder;

    public Task<SourceStatus?> FindAsync(string name, CancellationToken cancellationToken)
    {
        var file = new FileInfo(RelativeName.Below(folder, name));
        return Task.FromResult(file.Exists ? new SourceStatus(file.Length, VersionOf(file)) : null);
    }

    public Task<SourceContent?> OpenAsync(string name, long offset, string? version, CancellationToken cancellationToken)
    {
        var file = new FileInfo(RelativeName.Below(folder, name));
        if (!file.Exists) return Task.FromResult<SourceContent?>(null);

        var current = VersionOf(file);
        var stream = Open(file.FullName);
        if (version != current || offset > stream.Length) offset = 0;
        stream.Position = offset;
        return Task.FromResult<SourceContent?>(new SourceContent(stream, offset, stream.Length, current));
    }

    public void Dispose() { }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, new FileStreamOptions { Options = FileOptions.SequentialScan | FileOptions.Asynchronous, BufferSize = 0 });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{path} cannot be read: {e.Message} Make it readable, then run again; finished files are kept.", e);
        }
    }

    private static string VersionOf(FileInfo file) => string.Create(CultureInfo.InvariantCulture, $"{file.Length}-{file.LastWriteTimeUtc.Ticks}");
}
