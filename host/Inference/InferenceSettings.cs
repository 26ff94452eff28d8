using System.Globalization;
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
        var section = settings.Configuration.GetSection("Inference");
        var errors = new List<string>();
        var defaults = new InferenceSettings();
        var read = new InferenceSettings
        {
            Backend = Text("Backend") ?? defaults.Backend,
            Model = Text("Model") is { } model ? settings.Paths.Resolve(model) : null,
            Name = Text("Name"),
            Template = TemplateName() ?? defaults.Template,
            Options = new InferenceOptions
            {
                Device = Text("Device") ?? defaults.Options.Device,
                Threads = Number("Threads"),
                ContextLength = Number("ContextLength"),
                Precision = Choice<Precision>("Precision") ?? defaults.Options.Precision,
                MaxConcurrency = Text("MaxConcurrency") is null ? defaults.Options.MaxConcurrency : Number("MaxConcurrency", least: 1),
                ReusePrefixes = Truth("ReusePrefixes") ?? defaults.Options.ReusePrefixes,
                Adapters = [.. section.GetSection("Adapters").GetChildren().Select(adapter => new AdapterSource(adapter.Key, settings.Paths.Resolve(adapter.Value ?? "")))],
            },
            Swap = Choice<SwapOrder>("Swap") ?? SwapOrder.LoadFirst,
        };
        return errors.Count == 0 ? read : throw new AlpacaUsageException(string.Join('\n', errors));

        string? Text(string key) => section[key] is { Length: > 0 } text ? text : null;

        int Number(string key, int least = 0)
        {
            if (Text(key) is not { } text) return 0;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least) return number;
            errors.Add($"Inference:{key} is '{text}'; it must be a whole number from {least}.");
            return least;
        }

        bool? Truth(string key)
        {
            if (Text(key) is not { } text) return null;
            if (bool.TryParse(text, out var truth)) return truth;
            errors.Add($"Inference:{key} is '{text}'; it must be true or false.");
            return null;
        }

        T? Choice<T>(string key)
            where T : struct, Enum
        {
            if (Text(key) is not { } text) return null;
            if (Enum.TryParse<T>(text, ignoreCase: true, out var choice) && Enum.IsDefined(choice)) return choice;
            errors.Add($"Inference:{key} is '{text}'; it must be one of {string.Join(", ", Enum.GetNames<T>())}.");
            return null;
        }

        string? TemplateName()
        {
            if (Text("Template") is not { } text) return null;
            if (!PromptTemplate.Names.Contains(text)) errors.Add($"Inference:Template is '{text}'; it must be one of {string.Join(", ", PromptTemplate.Names)}.");
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
