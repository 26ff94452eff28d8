namespace Alpaca.Host;

/// <summary>What can be done with served models whatever serves them.</summary>
public static class ServedModelsExtensions
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits while the first model is being loaded.</summary>
    /// <param name="models">The models.</param>
    /// <param name="time">The clock; <see langword="null"/> for the system's.</param>
    /// <param name="cancellationToken">Ends the waiting, not the loading.</param>
    /// <exception cref="ModelUnavailableException">There is none to load, or it could not be loaded; the message says which.</exception>
    public static async Task WaitUntilLoadedAsync(this IServedModels models, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(models);
        while (true)
        {
            try
            {
                models.Acquire(null).Dispose();
                return;
            }
            catch (ModelUnavailableException e) when (e.IsLoading)
            {
                await Task.Delay(Period, time ?? TimeProvider.System, cancellationToken);
            }
        }
    }
}
