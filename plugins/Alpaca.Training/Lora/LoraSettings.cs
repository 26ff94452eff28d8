using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Training;

/// <summary>What is trained: the LoRA of some projections, and some modules in full.</summary>
internal sealed record LoraSettings
{
    /// <summary>The modules that can be trained in full.</summary>
    public static IReadOnlyList<string> SavableModules { get; } = [EmbedTokens, LmHead];

    /// <summary>The input embedding's name.</summary>
    public const string EmbedTokens = "embed_tokens";

    /// <summary>The output head's name.</summary>
    public const string LmHead = "lm_head";

    /// <summary>PEFT's word for all projections.</summary>
    public const string AllLinear = "all-linear";

    /// <summary>As <c>adapter_config.json</c> says it.</summary>
    public required LoraConfig Config { get; init; }

    /// <summary>Whether a projection, by its module name, gets an adapter.</summary>
    public required Func<string, bool> Adapts { get; init; }

    /// <summary>The modules that are trained in full.</summary>
    public IReadOnlyList<string> ModulesToSave => Config.ModulesToSave;

    /// <summary>The settings of a new adapter.</summary>
    public static LoraSettings New(TrainingRequest request)
    {
        var targets = Targets(request).ToHashSet(StringComparer.Ordinal);
        return new LoraSettings
        {
            Config = new LoraConfig
            {
                R = request.LoraRank,
                LoraAlpha = request.LoraAlpha,
                LoraDropout = request.LoraDropout,
                UseRslora = request.UseRslora,
                TargetModules = [.. targets],
                ModulesToSave = [.. request.ModulesToSave.Distinct(StringComparer.Ordinal)],
                BaseModelNameOrPath = request.ModelNameOrPath,
            },
            Adapts = module => targets.Contains(module[(module.LastIndexOf('.') + 1)..]),
        };
    }

    /// <summary>The settings of an adapter that is trained further: its own, with the request's full modules added.</summary>
    /// <param name="request">Its options may be the adapter's or the defaults.</param>
    /// <param name="adapter">The adapter.</param>
    /// <exception cref="AlpacaUsageException">Options contradict the adapter, all of them named.</exception>
    public static LoraSettings Continue(TrainingRequest request, PeftAdapter adapter)
    {
        var problems = new List<string>();
        var config = adapter.Config;
        var defaults = new Defaults();
        Compare("LoraRank", request.LoraRank, defaults.LoraRank, config.R);
        Compare("LoraAlpha", request.LoraAlpha, defaults.LoraAlpha, config.LoraAlpha);
        Compare("LoraDropout", request.LoraDropout, defaults.LoraDropout, config.LoraDropout);
        Compare("UseRslora", request.UseRslora, defaults.UseRslora, config.UseRslora);
        Compare("LoraTrainable", Sorted(Targets(request)), Sorted(defaults.LoraTrainable), Sorted(config.TargetModules));
        if (problems.Count > 0) throw new AlpacaUsageException(string.Join('\n', problems));

        // Some PEFT versions save modules that their configuration does not name: model.embed_tokens.weight is embed_tokens.
        var saved = adapter.SavedModules.Keys.Select(tensor => tensor.Split('.')[^2]);
        return new LoraSettings
        {
            Config = config with
            {
                // A pattern is written out as the modules that it chose.
                TargetModules = config.TargetModules.All(LlamaTensorNames.Projections.Contains) ? config.TargetModules : [.. adapter.Pairs.Keys],
                ModulesToSave = [.. config.ModulesToSave.Union(saved, StringComparer.Ordinal).Union(request.ModulesToSave, StringComparer.Ordinal)],
                BaseModelNameOrPath = request.ModelNameOrPath,
            },
            Adapts = adapter.Pairs.ContainsKey,
        };

        static string OptionValue<T>(T value) => string.Create(CultureInfo.InvariantCulture, $"{value}");

        static string Sorted(IEnumerable<string> names) => string.Join(',', names.Order(StringComparer.Ordinal));

        void Compare<T>(string option, T asked, T byDefault, T adapters)
            where T : notnull
        {
            if (!asked.Equals(byDefault) && !asked.Equals(adapters))
                problems.Add($"{option} is {OptionValue(asked)}, but the adapter {request.PeftPath} that is trained further has {OptionValue(adapters)}; remove the option, or PeftPath to begin a new adapter.");
        }
    }

    private static IEnumerable<string> Targets(TrainingRequest request)
        => request.LoraTrainable.SelectMany(name => name == AllLinear ? LlamaTensorNames.Projections : [name]).Distinct(StringComparer.Ordinal);

    private sealed record Defaults : TrainingRequest;
}
