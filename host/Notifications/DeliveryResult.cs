namespace Alpaca.Host;

/// <summary>How an attempt to tell a webhook ended.</summary>
/// <param name="Problem">What went wrong, without the address; <see langword="null"/> where it was told.</param>
/// <param name="MayPass">Whether another attempt may do better.</param>
/// <param name="Wait">How long the receiver wants to be left alone; <see langword="null"/> where it does not say.</param>
/// <param name="IsBusy">Whether it said that it is asked too often.</param>
internal sealed record DeliveryResult(string? Problem, bool MayPass = false, TimeSpan? Wait = null, bool IsBusy = false)
{
    /// <summary>It was told.</summary>
    public static readonly DeliveryResult Delivered = new((string?)null);
}
