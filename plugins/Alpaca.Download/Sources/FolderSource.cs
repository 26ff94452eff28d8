using System.Globalization;

namespace Alpaca.Download;

/// <summary>Weights in a local folder.</summary>
internal sealed class FolderSource(string folder) : IWeightSource
{
    public Task<SourceContent?> OpenAsync(string name, long offset, string? version, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, name.Replace('/', Path.DirectorySeparatorChar));
        if (!File.Exists(path)) return Task.FromResult<SourceContent?>(null);

        var stream = new FileStream(path, new FileStreamOptions { Options = FileOptions.SequentialScan | FileOptions.Asynchronous, BufferSize = 0 });
        var current = string.Create(CultureInfo.InvariantCulture, $"{stream.Length}-{File.GetLastWriteTimeUtc(path).Ticks}");
        if (version != current || offset > stream.Length) offset = 0;
        stream.Position = offset;
        return Task.FromResult<SourceContent?>(new SourceContent(stream, offset, stream.Length, current));
    }

    public void Dispose() { }
}
