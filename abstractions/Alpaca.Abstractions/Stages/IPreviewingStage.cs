namespace Alpaca.Abstractions;

/// <summary>A stage that can show its data as the model will see it, which <c>alpaca stage NAME --preview N</c> prints. Stages implement it beside <see cref="IStage{TRequest,TArtifact}"/>.</summary>
/// <typeparam name="TRequest">The stage's request.</typeparam>
public interface IPreviewingStage<in TRequest>
    where TRequest : class
{
    /// <summary>Reads and encodes the data as execution would. Writes nothing.</summary>
    /// <param name="request">The options, already checked against their validation attributes.</param>
    /// <param name="count">How many samples, at least 1.</param>
    /// <returns>What is to be said about the data, and its first samples.</returns>
    /// <exception cref="AlpacaException">The data cannot be used; the same message that execution would give.</exception>
    DataPreview Preview(TRequest request, int count);
}

/// <summary>Training data as the model will see it.</summary>
/// <param name="Notes">What is to be said about all of it, a line for a person each.</param>
/// <param name="Samples">The first samples.</param>
public sealed record DataPreview(IReadOnlyList<string> Notes, IReadOnlyList<PreviewSample> Samples);

/// <summary>A sample of a <see cref="DataPreview"/>.</summary>
/// <param name="Place">Where it was read.</param>
/// <param name="Tokens">How many tokens it has.</param>
/// <param name="Spans">Its text in order, special tokens included.</param>
public sealed record PreviewSample(string Place, int Tokens, IReadOnlyList<PreviewSpan> Spans);

/// <summary>A stretch of a sample.</summary>
/// <param name="Text">The text.</param>
/// <param name="IsLearned">Whether the loss counts it; the rest is only read.</param>
public sealed record PreviewSpan(string Text, bool IsLearned);
