using System.Globalization;
using System.Runtime.InteropServices;
using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Acme.Mishaps;

/// <summary>What a stage that survives has seen.</summary>
public sealed record MishapArtifact : Artifact
{
    /// <inheritdoc />
    public override string Kind => "mishap";

    /// <summary>The request as the stage got it.</summary>
    public string Request { get; init; } = "";

    /// <summary>The setting <c>Plugins:Settings:Motto</c>.</summary>
    public string? Motto { get; init; }

    /// <summary>What the checkpoint of an earlier attempt said.</summary>
    public string? ResumedFrom { get; init; }

    /// <summary>A nested value.</summary>
    public IReadOnlyList<double> Curve { get; init; } = [];
}

/// <summary>Does what it is told.</summary>
public sealed partial class MishapStage(IConfiguration configuration, ILogger<MishapStage> log) : IStage<MishapRequest, MishapArtifact>
{
    /// <inheritdoc />
    public async Task<MishapArtifact> ExecuteAsync(MishapRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        log.LogInformation("Told to {Mishap}", request.Mishap);
        context.Logger.LogWarning("Something may happen");
        await File.WriteAllTextAsync(Path.Combine(context.OutputFolder, "process.txt"), Describe(), cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(context.ResumeFolder, "process.txt"), Describe(), cancellationToken);
        if (request.Garbage) WriteGarbage();
        using var progress = context.Progress.Start("mishap", null, ProgressUnit.Steps);
        progress.SetTotal(request.Reports);
        for (var i = 1; i <= request.Reports; i++)
        {
            progress.SetStatus($"report {i}");
            progress.Report(i);
        }

        var checkpoint = Path.Combine(context.ResumeFolder, "checkpoint.txt");
        switch (request.Mishap)
        {
            case Mishap.Abort: Console.Error.WriteLine("terminate called: out of luck"); Abort(); break;
            case Mishap.Exit: Console.Error.WriteLine("leaving now"); Environment.Exit(3); break;
            case Mishap.Memory: TakeMemory(); await Task.Delay(Timeout.Infinite, CancellationToken.None); break;
            case Mishap.Stubborn: await Task.Delay(TimeSpan.FromSeconds(request.Seconds), CancellationToken.None); break;
            case Mishap.ThreadThrows: new Thread(() => throw new InvalidOperationException("The thread tore.")).Start(); await Task.Delay(Timeout.Infinite, CancellationToken.None); break;
            case Mishap.Killed: _ = Kill(Environment.ProcessId, 9); break;
            case Mishap.TransientError: throw new AlpacaException("The line is busy; try again.") { IsTransient = true };
            case Mishap.FileError: throw new IOException("The file is away.");
            case Mishap.Defect: throw new InvalidTimeZoneException("The zone is wrong.");
            case Mishap.Wait when !File.Exists(checkpoint):
                try
                {
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                }
                finally
                {
                    await File.WriteAllTextAsync(checkpoint, "step 5", CancellationToken.None);
                }

                break;
            default: break;
        }

        return new MishapArtifact
        {
            Request = Show(request),
            Motto = configuration["Plugins:Settings:Motto"],
            ResumedFrom = File.Exists(checkpoint) ? await File.ReadAllTextAsync(checkpoint, CancellationToken.None) : null,
            Curve = [0.1, 1e-30, double.NaN],
            Metrics = new Dictionary<string, double> { ["reports"] = request.Reports, ["third"] = 1.0 / 3, ["none"] = double.NaN, ["all"] = double.PositiveInfinity },
        };
    }

    private static string Show(MishapRequest request)
        => $"{request with { Texts = [], Numbers = [], Choices = [] }} {string.Join('|', request.Texts)} {string.Join('|', request.Numbers)} {string.Join('|', request.Choices)}";

    // The process, its priority, and how ready the kernel is to end it.
    private static string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Environment.ProcessId} {System.Diagnostics.Process.GetCurrentProcess().PriorityClass} {(OperatingSystem.IsLinux() ? File.ReadAllText("/proc/self/oom_score_adj").Trim() : "")}");

    private static void WriteGarbage()
    {
        Console.WriteLine("{ garbage");
        using var output = Console.OpenStandardOutput();
        output.Write("{\"is\":\"made\",\"properties\":{},\"metrics\":{}}\n"u8);
        if (!OperatingSystem.IsWindows()) _ = Write(1, "native garbage\n", 15);
    }

    private static unsafe void TakeMemory()
    {
        const int Step = 32 << 20;
        for (var i = 0; i < 64; i++) // 2 GB: enough for every limit that a test sets, and no more than a machine has.
        {
            new Span<byte>(NativeMemory.Alloc(Step), Step).Fill(1);
            Thread.Sleep(20);
        }
    }

    [LibraryImport("libc", EntryPoint = "abort")]
    private static partial void Abort();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "write", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Write(int descriptor, string text, nint count);
}
