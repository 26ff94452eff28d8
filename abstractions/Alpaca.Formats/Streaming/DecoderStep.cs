namespace Alpaca.Formats;

/// <summary>What a decoder needs next: rows that it may then look up, or products with all rows of some weights.</summary>
/// <param name="Names">The tensors. Every tensor of the model comes up once, those of tied embeddings a second time as the output layer.</param>
/// <param name="Input">x, [T, in]; <see langword="null"/> when nothing is multiplied.</param>
/// <param name="Outputs">For each tensor y = x Wᵀ, [T, out], to be filled before the next step; empty when nothing is multiplied.</param>
public sealed record DecoderStep(IReadOnlyList<string> Names, Activations? Input, IReadOnlyList<Activations> Outputs);
