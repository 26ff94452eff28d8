using Alpaca.Abstractions;
using Alpaca.Host.Torch;

namespace Alpaca.Host;

/// <summary>Takes an existing libtorch where <c>Torch:LibraryPath</c> names one.</summary>
internal static class TorchLibrary
{
    /// <summary>Loads it before any plugin touches TorchSharp.</summary>
    /// <exception cref="AlpacaUsageException">The folder holds no libtorch that can be loaded.</exception>
    public static void Use(AlpacaSettings settings) => Use(settings.TorchLibraryPath);

    /// <summary>Loads the one in a folder, if one is named, before any plugin touches TorchSharp.</summary>
    /// <exception cref="AlpacaUsageException">The folder holds no libtorch that can be loaded.</exception>
    public static void Use(string? folder)
    {
        if (folder is null) return;
        try
        {
            LibTorch.Preload(folder);
        }
        catch (Exception e) when (e is FileNotFoundException or DllNotFoundException or BadImageFormatException or NotSupportedException)
        {
            throw new AlpacaUsageException(e is FileNotFoundException or NotSupportedException ? e.Message : $"Torch:LibraryPath is {folder}, whose libraries cannot be loaded: {e.Message}", e);
        }
    }
}
