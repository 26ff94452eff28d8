using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>A catalog with one backend, which loads a scripted model.</summary>
internal sealed class FixedCatalog(ScriptedGenerator generator) : IPluginCatalog, IInferenceBackend
{
    public IReadOnlyList<PluginInfo> Plugins => [];

    public IReadOnlyList<PluginStage> Stages => [];

    public IReadOnlyList<string> BackendNames => [Name];

    public string Name => "Scripted";

    public int Loaded { get; private set; }

    public PluginStage GetStage(string name) => throw new AlpacaException($"There is no stage {name}.");

    public IInferenceBackend GetBackend(string name) => name == Name ? this : throw new AlpacaException($"There is no backend {name}.");

    public Task<ITextGenerator> LoadAsync(string modelFolder, InferenceOptions options, CancellationToken cancellationToken = default)
    {
        Loaded++;
        return Task.FromResult<ITextGenerator>(generator);
    }

    public void Dispose()
    {
    }
}
