using System.Runtime.CompilerServices;
using Alpaca.Host.Torch;

namespace Alpaca.Host.Tests;

/// <summary>Does for the test process what the host does at its start.</summary>
internal static class TorchRegistration
{
    [ModuleInitializer]
    internal static void Register() => LibTorch.Register();
}
