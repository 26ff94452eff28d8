using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>Checks generation options.</summary>
internal static class GenerationOptionsValidator
{
    /// <exception cref="AlpacaUsageException">One or more values are out of range; all are named.</exception>
    public static void ThrowIfInvalid(GenerationOptions options)
    {
        var problems = new List<string>();
        Check(options.MaxNewTokens >= 0, "MaxNewTokens", options.MaxNewTokens, "0 or more");
        Check(float.IsFinite(options.Temperature) && options.Temperature >= 0, "Temperature", options.Temperature, "0 (greedy) or more");
        Check(options.TopK >= 0, "TopK", options.TopK, "0 (all) or more");
        Check(options.TopP is > 0 and <= 1, "TopP", options.TopP, "above 0 and at most 1");
        Check(options.MinP is >= 0 and <= 1, "MinP", options.MinP, "0 (all) to 1");
        Check(float.IsFinite(options.RepetitionPenalty) && options.RepetitionPenalty > 0, "RepetitionPenalty", options.RepetitionPenalty, "above 0");
        Check(options.PresencePenalty is >= -2 and <= 2, "PresencePenalty", options.PresencePenalty, "-2 to 2");
        Check(options.FrequencyPenalty is >= -2 and <= 2, "FrequencyPenalty", options.FrequencyPenalty, "-2 to 2");
        Check(options.TopLogProbabilities is >= 0 and <= 20, "TopLogProbabilities", options.TopLogProbabilities, "0 to 20");
        if (problems.Count > 0) throw new AlpacaUsageException(string.Join(Environment.NewLine, problems));

        void Check(bool isValid, string name, IFormattable value, string range)
        {
            if (!isValid) problems.Add($"{name} is {value.ToString(null, System.Globalization.CultureInfo.InvariantCulture)} but must be {range}.");
        }
    }
}
