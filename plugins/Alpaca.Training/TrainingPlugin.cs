using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Training;

/// <summary>Registers what this plugin offers.</summary>
public sealed class TrainingPlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration) => services.AddTrainer<LoraTrainer>().AddPretrainer<LoraPretrainer>();
}
