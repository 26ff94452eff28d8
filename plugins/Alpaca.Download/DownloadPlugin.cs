using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Download;

/// <summary>Registers the <c>download</c> stage.</summary>
public sealed class DownloadPlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration) => services.AddDownloader<Downloader>();
}
