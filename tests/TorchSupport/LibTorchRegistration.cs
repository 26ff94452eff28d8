using System.Runtime.CompilerServices;
using Alpaca.Host.Torch;

namespace Alpaca.TestSupport;

/// <summary>Does for a test process what the host does at its start.</summary>
internal static class LibTorchRegistration
{
    [ModuleInitializer]
    internal static void Register() => LibTorch.Register();
}
