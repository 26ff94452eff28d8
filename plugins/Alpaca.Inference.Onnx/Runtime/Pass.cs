namespace Alpaca.Inference.Onnx;

/// <summary>One run of the graph.</summary>
/// <param name="FirstSlot">The first of neighbouring slots.</param>
/// <param name="Rows">How many of them: the batch.</param>
/// <param name="Tokens">Ids of each row. More than one only with one row.</param>
/// <param name="Width">Positions of the attention mask: at least as many as the longest row has with its new ids.</param>
/// <param name="LogitRows">Positions of each row that get logits.</param>
/// <param name="Adapter">The adapter, or none.</param>
internal readonly record struct Pass(int FirstSlot, int Rows, int Tokens, int Width, int LogitRows, int? Adapter);
