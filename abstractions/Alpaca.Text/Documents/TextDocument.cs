namespace Alpaca.Text;

/// <summary>A document of plain text.</summary>
/// <param name="Text">The text, not blank.</param>
/// <param name="Place">Where it begins.</param>
public readonly record struct TextDocument(string Text, RowPlace Place);
