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
    private readonly Option<float?> _minP = new("--min-p") { Description = $"Keep tokens at least this many times as probable as the best {Default(Defaults.MinP)}", HelpName = "P" };
    private readonly Option<float?> _penalty = new("--repetition-penalty") { Description = $"Penalty of tokens seen before; 1 is none [default: {Defaults.RepetitionPenalty}, with temperature 0: 1]", HelpName = "R" };
    private readonly Option<float?> _presence = new("--presence-penalty") { Description = $"Taken from the score of tokens that the answer holds already {Default(Defaults.PresencePenalty)}", HelpName = "R" };
    private readonly Option<float?> _frequency = new("--frequency-penalty") { Description = $"The same, once for each time {Default(Defaults.FrequencyPenalty)}", HelpName = "R" };
    private readonly Option<int?> _seed = new("--seed") { Description = "Seed of the sampling [default: a new one each time]", HelpName = "N" };
    private readonly Option<int?> _maxNewTokens = new("--max-new-tokens") { Description = $"Most tokens to add {Default(Defaults.MaxNewTokens)}", HelpName = "N" };

    public void AddTo(Command command)
    {
        command.AddNumber(_temperature, 0f, 100f);
        command.AddNumber(_topK, 0);
        command.AddNumber(_topP, 0f, 1f);
        command.AddNumber(_minP, 0f, 1f);
        command.AddNumber(_penalty, 0.01f, 100f);
        command.AddNumber(_presence, -2f, 2f);
        command.AddNumber(_frequency, -2f, 2f);
        command.AddNumber(_seed);
        command.AddNumber(_maxNewTokens, 1);
    }

    public GenerationOptions Read(ParseResult parse)
    {
        var temperature = parse.GetValue(_temperature) ?? Defaults.Temperature;
        return new GenerationOptions
        {
            Temperature = temperature,
            TopK = parse.GetValue(_topK) ?? Defaults.TopK,
            TopP = parse.GetValue(_topP) ?? Defaults.TopP,
            MinP = parse.GetValue(_minP) ?? Defaults.MinP,
            PresencePenalty = parse.GetValue(_presence) ?? Defaults.PresencePenalty,
            FrequencyPenalty = parse.GetValue(_frequency) ?? Defaults.FrequencyPenalty,
            RepetitionPenalty = parse.GetValue(_penalty) ?? (temperature == 0 ? 1 : Defaults.RepetitionPenalty),
            Seed = parse.GetValue(_seed),
            MaxNewTokens = parse.GetValue(_maxNewTokens) ?? Defaults.MaxNewTokens,
        };
    }

    private static string Default(IFormattable value) => $"[default: {value.ToString(null, CultureInfo.InvariantCulture)}]";
}
