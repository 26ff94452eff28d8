using System.Diagnostics;
using System.Text.Json;

namespace Alpaca.Tokenizers.Tests;

/// <summary>
/// Node with <c>@huggingface/tokenizers</c>, <c>@huggingface/jinja</c> and, if possible, the bindings of the Rust library (<c>@anush008/tokenizers</c>), in the folder that ALPACA_NODE_MODULES names.
/// Tests that need it are skipped where it is absent.
/// </summary>
internal static class NodeModules
{
    private static readonly string? Folder = Environment.GetEnvironmentVariable("ALPACA_NODE_MODULES");

    public static string? SkipReason { get; } = Folder is { Length: > 0 } && Directory.Exists(Path.Combine(Folder, "node_modules", "@huggingface", "tokenizers"))
        ? null
        : "ALPACA_NODE_MODULES names no folder with @huggingface/tokenizers; `npm install @huggingface/tokenizers @huggingface/jinja @anush008/tokenizers` there to run this test.";

    /// <summary>Runs a script of the folder <c>Node</c>.</summary>
    public static async Task<JsonDocument> RunAsync<T>(string script, T input)
    {
        var start = new ProcessStartInfo("node", [Path.Combine(AppContext.BaseDirectory, "Node", script), Folder!])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            StandardInputEncoding = new System.Text.UTF8Encoding(false), StandardOutputEncoding = new System.Text.UTF8Encoding(false),
        };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(JsonSerializer.Serialize(input));
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        process.ExitCode.Should().Be(0, await error);
        return JsonDocument.Parse(await output);
    }
}

/// <summary>A theory that needs <see cref="NodeModules"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeTheoryAttribute : TheoryAttribute
{
    public NodeTheoryAttribute() => Skip = NodeModules.SkipReason;
}

/// <summary>A fact that needs <see cref="NodeModules"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeFactAttribute : FactAttribute
{
    public NodeFactAttribute() => Skip = NodeModules.SkipReason;
}

/// <summary>A theory that needs <see cref="NodeModules"/> and the reference data.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeGoldenTheoryAttribute : TheoryAttribute
{
    public NodeGoldenTheoryAttribute() => Skip = NodeModules.SkipReason ?? Golden.SkipReason;
}
