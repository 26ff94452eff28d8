using System.CommandLine;
using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>How tokens are chosen, as options.</summary>
internal sealed class SamplingOptions
{
    private static readonly GenerationOptions Defaults = new();
    private readonly Option<float?> _temperature = new("--temperature") { Description = $"Divides the logits; 0 is greedy {Default(Defaults.Temperature)}", HelpName = "T" };
    private readonly Option<int?> _topK = new("--top-k") { Description = $"Keep the k most likely tokens; 0 keeps all {Default(Defaults.TopK)}", HelpName = "K" };
    private readonly Option<float?> _topP = new("--top-p") { Description = $"Keep the most likely tokens up to this probability {Default(Defaults.TopP)}", HelpName = "P" };
    private readonly Option<float?> _penalty = new("--repetition-penalty") { Description = $"Penalty of tokens seen before; 1 is none [default: {Defaults.RepetitionPenalty}, with temperature 0: 1]", HelpName = "R" };
    private readonly Option<int?> _seed = new("--seed") { Description = "Seed of the sampling [default: a new one each time]", HelpName = "N" };
    private readonly Option<int?> _maxNewTokens = new("--max-new-tokens") { Description = $"Most tokens to add {Default(Defaults.MaxNewTokens)}", HelpName = "N" };

    public SamplingOptions()
    {
        _temperature.RequireBetween(0f, 100f);
        _topK.RequireAtLeast(0);
        _topP.RequireBetween(0f, 1f);
        _penalty.RequireBetween(0.01f, 100f);
        _maxNewTokens.RequireAtLeast(1);
    }

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_temperature, _topK, _topP, _penalty, _seed, _maxNewTokens]) command.Add(option);
    }

    public GenerationOptions Read(ParseResult parse)
    {
        var temperature = parse.GetValue(_temperature) ?? Defaults.Temperature;
        return new GenerationOptions
        {
            Temperature = temperature,
            TopK = parse.GetValue(_topK) ?? Defaults.TopK,
            TopP = parse.GetValue(_topP) ?? Defaults.TopP,
            RepetitionPenalty = parse.GetValue(_penalty) ?? (temperature == 0 ? 1 : Defaults.RepetitionPenalty),
            Seed = parse.GetValue(_seed),
            MaxNewTokens = parse.GetValue(_maxNewTokens) ?? Defaults.MaxNewTokens,
        };
    }

    private static string Default(IFormattable value) => $"[default: {value.ToString(null, CultureInfo.InvariantCulture)}]";
}
