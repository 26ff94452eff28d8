using Alpaca.Text;

namespace Alpaca.Host.Tests;

/// <summary>One model with its adapters, loaded from the start unless a test says otherwise.</summary>
internal sealed class FixedModels(EchoingGenerator generator) : IServedModels, IDisposable
{
    public const string Name = "scripted";

    private static readonly DateTimeOffset Created = DateTimeOffset.UnixEpoch.AddSeconds(1234);
    private readonly ModelHandle _model = new("models/scripted", "Scripted", generator, ScriptedGenerator.Tokenizer, PromptTemplate.Get("alpaca"), [ScriptedGenerator.Tokenizer.EosId!.Value]);
    private int _leases;

    public string? Unavailable { get; set; }

    /// <summary>How many use it.</summary>
    public int Leases => Volatile.Read(ref _leases);

    public IReadOnlyList<ServedModel> Models
        => Unavailable is null ? [new ServedModel(Name, Created, null), .. generator.Adapters.Select(adapter => new ServedModel(adapter, Created, Name))] : [];

    public void Dispose() => _model.Dispose();

    public ModelLease Acquire(string? name)
    {
        if (Unavailable is { } reason) throw new ModelUnavailableException(reason);
        var served = string.IsNullOrEmpty(name) ? Models[0] : Models.FirstOrDefault(model => model.Name == name) ?? throw new UnknownModelException($"There is no model '{name}'.");
        Interlocked.Increment(ref _leases);
        return new ModelLease(served, _model, served.Parent is null ? null : served.Name, () => Interlocked.Decrement(ref _leases));
    }
}
