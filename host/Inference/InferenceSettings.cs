using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>The configuration section <c>Inference</c>: what <c>generate</c>, <c>chat</c> and the question after a run use where nothing else is said.</summary>
public sealed record InferenceSettings
{
    /// <summary>The backend's name. The default is <c>Torch</c>.</summary>
    public string Backend { get; private init; } = "Torch";

    /// <summary>The model's folder. The default is none: the newest model of the default pipeline.</summary>
    public string? Model { get; private init; }

    /// <summary>The prompt template's name. The default is <c>alpaca</c>.</summary>
    public string Template { get; private init; } = "alpaca";

    /// <summary>Device, threads, precision, context length.</summary>
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
            Model = Text("Model") is { } model ? Path.GetFullPath(model, settings.BaseFolder) : null,
            Template = TemplateName() ?? defaults.Template,
            Options = new InferenceOptions
            {
                Device = Text("Device") ?? defaults.Options.Device,
                Threads = Number("Threads"),
                ContextLength = Number("ContextLength"),
                Precision = Precision() ?? defaults.Options.Precision,
            },
        };
        return errors.Count == 0 ? read : throw new AlpacaUsageException(string.Join('\n', errors));

        string? Text(string key) => section[key] is { Length: > 0 } text ? text : null;

        int Number(string key)
        {
            if (Text(key) is not { } text) return 0;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return number;
            errors.Add($"Inference:{key} is '{text}'; it must be a whole number from 0.");
            return 0;
        }

        Precision? Precision()
        {
            if (Text("Precision") is not { } text) return null;
            if (Enum.TryParse<Precision>(text, ignoreCase: true, out var precision) && Enum.IsDefined(precision)) return precision;
            errors.Add($"Inference:Precision is '{text}'; it must be one of {string.Join(", ", Enum.GetNames<Precision>()).ToLowerInvariant()}.");
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
