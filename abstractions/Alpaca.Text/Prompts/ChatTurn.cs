namespace Alpaca.Text;

/// <summary>One exchange of a conversation.</summary>
/// <param name="User">What the person said.</param>
/// <param name="Assistant">What the model answered; <see langword="null"/> while there is no answer.</param>
public sealed record ChatTurn(string User, string? Assistant);
