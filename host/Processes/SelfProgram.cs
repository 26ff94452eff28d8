namespace Alpaca.Host;

/// <summary>This executable, to be started once more.</summary>
internal static class SelfProgram
{
    /// <summary>The program and its arguments, as one list.</summary>
    /// <param name="arguments">The arguments of the command line.</param>
    public static IReadOnlyList<string> With(IReadOnlyList<string> arguments)
    {
        var (self, assembly) = (Environment.ProcessPath!, typeof(SelfProgram).Assembly);
        if (NameOf(self) == assembly.GetName().Name) return [self, .. arguments];
        // `dotnet alpaca.dll`, or another program that has taken us in.
        return [NameOf(self) == "dotnet" ? self : "dotnet", assembly.Location, .. arguments];
    }

    private static string NameOf(string program) => OperatingSystem.IsWindows() ? Path.GetFileNameWithoutExtension(program) : Path.GetFileName(program);
}
