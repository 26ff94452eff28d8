using System.Reflection;

namespace Alpaca.TestSupport;

/// <summary>Reference data beside the repository, in <c>shared/golden</c> or where ALPACA_GOLDEN points. Tests that need it are skipped where it is absent.</summary>
internal static class Golden
{
    public static string RepositoryRoot { get; } =
        typeof(Golden).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    public static string Folder { get; } =
        Environment.GetEnvironmentVariable("ALPACA_GOLDEN") ?? System.IO.Path.GetFullPath(System.IO.Path.Combine(RepositoryRoot, "..", "shared", "golden"));

    public static string? SkipReason => Directory.Exists(Folder) ? null : $"Reference data is not at {Folder}; set ALPACA_GOLDEN to run this test.";

    public static string Path(params string[] parts) => System.IO.Path.Combine([Folder, .. parts]);
}

/// <summary>A fact that needs the reference data.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GoldenFactAttribute : FactAttribute
{
    public GoldenFactAttribute() => Skip = Golden.SkipReason;
}

/// <summary>A theory that needs the reference data.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GoldenTheoryAttribute : TheoryAttribute
{
    public GoldenTheoryAttribute() => Skip = Golden.SkipReason;
}
