using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Tokenizers;

/// <summary>Offers the <c>merge-tokenizers</c> stage.</summary>
public sealed class TokenizersPlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration) => services.AddTokenizerMerger<TokenizerMerger>();
}
