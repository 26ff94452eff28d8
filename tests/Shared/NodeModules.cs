using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Alpaca.TestSupport;

/// <summary>Node with packages of npm in the folder that ALPACA_NODE_MODULES names. Tests that need one are skipped where it is absent; <c>.ci/run</c> installs them all.</summary>
internal static class NodeModules
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string? Folder = Environment.GetEnvironmentVariable("ALPACA_NODE_MODULES");

    /// <summary>Why a test cannot run; <see langword="null"/> if it can.</summary>
    public static string? WhyWithout(string package) => Folder is { Length: > 0 } && Directory.Exists(Path.Combine(Folder, "node_modules", package))
        ? null
        : $"ALPACA_NODE_MODULES names no folder with {package}; `npm install {package}` there to run this test (.ci/run has the versions).";

    /// <summary>Runs a script of the folder <c>Node</c> beside the tests: it gets the packages' folder as argument and the input as JSON on standard input, and answers with JSON on standard output.</summary>
    public static async Task<JsonDocument> RunAsync<T>(string script, T input)
    {
        var start = new ProcessStartInfo("node", [Path.Combine(AppContext.BaseDirectory, "Node", script), Folder!])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            StandardInputEncoding = new System.Text.UTF8Encoding(false), StandardOutputEncoding = new System.Text.UTF8Encoding(false),
        };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(JsonSerializer.Serialize(input, Plain));
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        process.ExitCode.Should().Be(0, await error);
        return JsonDocument.Parse(await output);
    }
}

/// <summary>A fact that needs a package of <see cref="NodeModules"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeFactAttribute : FactAttribute
{
    public NodeFactAttribute(string package) => Skip = NodeModules.WhyWithout(package);
}

/// <summary>A theory that needs a package of <see cref="NodeModules"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeTheoryAttribute : TheoryAttribute
{
    public NodeTheoryAttribute(string package) => Skip = NodeModules.WhyWithout(package);
}

/// <summary>A theory that needs a package of <see cref="NodeModules"/> and the reference data.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeGoldenTheoryAttribute : TheoryAttribute
{
    public NodeGoldenTheoryAttribute(string package) => Skip = NodeModules.WhyWithout(package) ?? Golden.SkipReason;
}
