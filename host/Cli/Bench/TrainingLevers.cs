namespace Alpaca.Host;

/// <summary>A choice of the train stage's options that save time or memory.</summary>
/// <param name="Name">What it is called in a benchmark.</param>
/// <param name="Options">The options, as on the command line.</param>
internal sealed record TrainingLevers(string Name, IReadOnlyList<string> Options)
{
    /// <summary>The name of the run with none of them.</summary>
    public const string Nothing = "none";

    /// <summary>The name of the run with what the stage does by itself.</summary>
    public const string Default = "defaults";

    private static readonly (string Option, string On, string Off)[] Levers =
    [
        ("packing", "true", "false"),
        ("group-by-length", "true", "false"),
        ("label-only-logits", "true", "false"),
        ("loss-chunk", "256", "0"),
        ("fused-kernels", "true", "false"),
        ("activation-checkpointing", "block", "none"),
    ];

    /// <summary>None, each by itself, the defaults, and the defaults without, or with, each.</summary>
    public static IReadOnlyList<TrainingLevers> All { get; } =
    [
        new(Nothing, AllOffBut(null)),
        .. Levers.Select(l => new TrainingLevers($"only {l.Option}", AllOffBut(l.Option))),
        new(Default, []),
        .. Levers.Where(l => l.Option is not ("group-by-length" or "activation-checkpointing")).Select(l => new TrainingLevers($"{Default} but {l.Option}", [$"--{l.Option}", l.Off])),
        new($"{Default} and activation-checkpointing", ["--activation-checkpointing", "block"]),
    ];

    private static string[] AllOffBut(string? option) => [.. Levers.SelectMany(l => (string[])[$"--{l.Option}", l.Option == option ? l.On : l.Off])];
}
