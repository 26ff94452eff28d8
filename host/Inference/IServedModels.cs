using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The models that are being served: which there are, and the use of one of them.</summary>
public interface IServedModels
{
    /// <summary>What can be asked for, the base model first, then its adapters; empty while nothing is loaded.</summary>
    IReadOnlyList<ServedModel> Models { get; }

    /// <summary>Takes a model into use. It stays loaded until the lease is disposed, even if another takes its place meanwhile.</summary>
    /// <param name="name">One of the names of <see cref="Models"/>; <see langword="null"/> or empty for the first.</param>
    /// <exception cref="ModelUnavailableException">Nothing is loaded yet, or loading failed; the message says which.</exception>
    /// <exception cref="UnknownModelException">There is no model of that name.</exception>
    ModelLease Acquire(string? name);
}

/// <summary>A model that clients can name.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Created">When it was loaded.</param>
/// <param name="Parent">The name of the model it is an adapter of; <see langword="null"/> for a base model.</param>
public sealed record ServedModel(string Name, DateTimeOffset Created, string? Parent);

/// <summary>The use of a loaded model.</summary>
/// <param name="served">What it is called.</param>
/// <param name="model">The model.</param>
/// <param name="adapter">The adapter that requests name in <see cref="GenerationOptions.Adapter"/>; <see langword="null"/> for the model alone.</param>
/// <param name="release">Called once, when it is no longer in use.</param>
public sealed class ModelLease(ServedModel served, ModelHandle model, string? adapter, Action release) : IDisposable
{
    private Action? _release = release;

    /// <summary>What the model is called.</summary>
    public ServedModel Served => served;

    /// <summary>The model with its tokenizer; for an adapter with a tokenizer of its own, with that one.</summary>
    public ModelHandle Model => model;

    /// <summary>The adapter, or <see langword="null"/>.</summary>
    public string? Adapter => adapter;

    /// <inheritdoc />
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}

/// <summary>No model can be used at the moment.</summary>
public sealed class ModelUnavailableException(string message) : AlpacaException(message)
{
    /// <summary>Whether one is being loaded, so that waiting helps. The default is <see langword="false"/>.</summary>
    public bool IsLoading { get; init; }
}

/// <summary>No model has that name.</summary>
public sealed class UnknownModelException(string message) : AlpacaException(message);
