using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>The configuration section <c>Inference</c>: what is served, and what <c>generate</c>, <c>chat</c> and the question after a run use where nothing else is said.</summary>
public sealed record InferenceSettings
{
    /// <summary>The backend's name. The default is <c>Torch</c>.</summary>
    public string Backend { get; private init; } = "Torch";

    /// <summary>The model's folder. The default is none: the newest model of the default pipeline.</summary>
    public string? Model { get; private init; }

    /// <summary>What clients of the server call the model. The default is its folder's name.</summary>
    public string? Name { get; private init; }

    /// <summary>The prompt template's name. The default is <c>alpaca</c>.</summary>
    public string Template { get; private init; } = "alpaca";

    /// <summary>What goes first when another model takes this one's place. The default is <see cref="SwapOrder.LoadFirst"/>.</summary>
    public SwapOrder Swap { get; private init; }

    /// <summary>Device, threads, precision, context length, adapters, and how many sequences share a step.</summary>
    public InferenceOptions Options { get; private init; } = new();

    /// <summary>Reads the section.</summary>
    /// <exception cref="AlpacaUsageException">A value cannot be used; one line for each.</exception>
    public static InferenceSettings Read(AlpacaSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var section = new SectionReader(settings, "Inference");
        var defaults = new InferenceSettings();
        return section.Checked(new InferenceSettings
        {
            Backend = section.Text("Backend") ?? defaults.Backend,
            Model = section.Text("Model") is { } model ? settings.Paths.Resolve(model) : null,
            Name = section.Text("Name"),
            Template = TemplateName() ?? defaults.Template,
            Options = new InferenceOptions
            {
                Device = section.Text("Device") ?? defaults.Options.Device,
                Threads = section.Whole("Threads", defaults.Options.Threads, 0),
                ContextLength = section.Whole("ContextLength", defaults.Options.ContextLength, 0),
                Precision = section.Choice("Precision", defaults.Options.Precision),
                MaxConcurrency = section.Whole("MaxConcurrency", defaults.Options.MaxConcurrency, 1),
                ReusePrefixes = section.Flag("ReusePrefixes", defaults.Options.ReusePrefixes),
                Adapters = [.. settings.Configuration.GetSection(section.KeyOf("Adapters")).GetChildren().Select(adapter => new AdapterSource(adapter.Key, settings.Paths.Resolve(adapter.Value ?? "")))],
            },
            Swap = section.Choice("Swap", defaults.Swap),
        });

        string? TemplateName()
        {
            if (section.Text("Template") is not { } text) return null;
            if (!PromptTemplate.Names.Contains(text)) section.Report("Template", $"is '{text}'; it must be one of {string.Join(", ", PromptTemplate.Names)}.");
            return text;
        }
    }
}

/// <summary>What goes first when one served model takes another's place.</summary>
public enum SwapOrder
{
    /// <summary>The new one is loaded while the old one still answers: no gap, but memory for both.</summary>
    LoadFirst,

    /// <summary>The old one ends and is unloaded first: memory for one, but nothing answers meanwhile.</summary>
    UnloadFirst,
}
