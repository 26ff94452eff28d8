using System.Diagnostics;
using System.Reflection;
using System.Text;
using System.Text.Json;

namespace Alpaca.IntegrationTests;

/// <summary>The executable, run in a process of its own, as a user runs it.</summary>
internal static class AlpacaProcess
{
    private static readonly string HostAssembly =
        typeof(AlpacaProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "HostAssembly").Value!;

    /// <summary>Runs to the end.</summary>
    public static Task<ProcessResult> RunAsync(params string[] arguments) => RunAsync(input: null, arguments);

    /// <summary>Runs to the end with text on standard input.</summary>
    public static Task<ProcessResult> RunAsync(string? input, string[] arguments) => EndAsync(Start(arguments), input);

    /// <summary>Reads what a process writes, gives it text, and waits for its end.</summary>
    public static async Task<ProcessResult> EndAsync(Process process, string? input = null)
    {
        using var ended = process;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (input is not null) await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(8));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }

        return new ProcessResult(process.ExitCode, await output, await error);
    }

    /// <summary>Starts it in the repository's root; the caller ends it.</summary>
    public static Process Start(params string[] arguments) => StartUnder([], arguments);

    /// <summary>Starts it as the last arguments of another program, which replaces itself with it.</summary>
    /// <param name="program">That program and its arguments.</param>
    /// <param name="arguments">Its own arguments.</param>
    /// <param name="environment">What it gets beside the tests' own variables.</param>
    public static Process StartUnder(IReadOnlyList<string> program, string[] arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        string[] command = [.. program, "dotnet", HostAssembly, .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = Golden.RepositoryRoot,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            Environment =
            {
                ["XDG_CACHE_HOME"] = Path.Combine(AppContext.BaseDirectory, "cache"),
                ["DOTNET_TieredPGO"] = "0", // counts how code is used, to compile it better later: these processes have no later, and it is a sixth of what they take
            },
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>()) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}

/// <summary>What a run left behind.</summary>
internal sealed record ProcessResult(int ExitCode, string Output, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    public ProcessResult ShouldSucceed()
    {
        ExitCode.Should().Be(0, "standard error was: {0}", Error);
        return this;
    }

    /// <summary>Failed with one clear sentence and no stack trace.</summary>
    public ProcessResult ShouldFail(int exitCode, string message)
    {
        ExitCode.Should().Be(exitCode, "standard error was: {0}", Error);
        Error.Should().Match(message);
        Error.Should().NotContain("   at ", "a user gets a sentence, not a stack trace");
        return this;
    }
}
