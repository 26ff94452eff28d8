namespace Alpaca.Evaluation;

/// <summary>The losses of one model.</summary>
/// <param name="Validation">On the validation file.</param>
/// <param name="Probe">On the probe file, if there is one.</param>
internal sealed record ModelLosses(LossFigures Validation, LossFigures? Probe);

/// <summary>The losses of a model and of the one it is compared with.</summary>
/// <param name="Model">The model's.</param>
/// <param name="Champion">The other's, if there is one.</param>
/// <param name="HasOtherTokens">Whether the two split text differently.</param>
/// <param name="MaxSeqLength">The length in tokens at which samples were cut, for both.</param>
internal sealed record LossComparison(ModelLosses Model, ModelLosses? Champion, bool HasOtherTokens, int MaxSeqLength);
