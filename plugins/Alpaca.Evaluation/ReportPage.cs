using System.Globalization;
using System.Text;

namespace Alpaca.Evaluation;

/// <summary><c>report.md</c>: an evaluation's figures and trial answers, for people.</summary>
internal static class ReportPage
{
    /// <summary>The file's name.</summary>
    public const string FileName = "report.md";

    /// <summary>Writes the page.</summary>
    /// <param name="path">The file.</param>
    /// <param name="report">What was found.</param>
    public static void Write(string path, EvaluationReport report)
    {
        var text = new StringBuilder();
        Line($"# Evaluation report");
        Line($"");
        Line($"Model: `{report.Model}`  ");
        if (report.Champion is not null) Line($"compared with: `{report.Champion}`  ");
        Line($"template {report.Template}, samples cut at {report.MaxSeqLength:N0} tokens, {report.Seconds:F1} s");
        Line($"");
        WriteLosses(report.ValidationFile, report.Validation, report.ChampionValidation);
        if (report.Probe is { } probe) WriteLosses($"{report.ProbeFile} (what must not be forgotten)", probe, report.ChampionProbe);
        if (report.ChampionHasOtherTokens)
        {
            Line($"The two models split text differently: compare their bits per byte, not their losses per token.");
            Line($"");
        }

        if (report.Smoke is { } smoke) WriteAnswers(smoke);
        if (report.Forms.Count > 0) WriteForms();
        File.WriteAllText(path, text.ToString());

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

        void WriteLosses(string file, LossFigures model, LossFigures? champion)
        {
            Line($"## {file}");
            Line($"");
            Line($"| figure | model |{(champion is null ? "" : " compared with |")}");
            Line($"|---|---|{(champion is null ? "" : "---|")}");
            Row("loss per token", figures => $"{figures.Loss:F4}");
            Row("perplexity", figures => $"{figures.Perplexity:G5}");
            Row("accuracy", figures => $"{100 * figures.TokenAccuracy:F1} %");
            Row("bits per byte", figures => figures.BitsPerByte is { } bits ? $"{bits:F4}" : (FormattableString)$"-");
            Row("answer tokens", figures => $"{figures.Tokens:N0}");
            Row("samples", figures => $"{figures.Samples:N0}");
            Row("samples left out", figures => $"{figures.SkippedSamples:N0}");
            Line($"");

            void Row(string name, Func<LossFigures, FormattableString> show)
                => Line($"| {name} | {Invariant(show(model))} |{(champion is null ? "" : $" {Invariant(show(champion))} |")}");
        }

        void WriteAnswers(SmokeFigures smoke)
        {
            Line($"## Trial answers");
            Line($"");
            Line($"{smoke.Answers.Count(answer => answer.HasPassed)} of {smoke.Answers.Count} passed ({smoke.Backend}, the most likely token each time).");
            Line($"");
            Line($"| question | answer | tokens | verdict |");
            Line($"|---|---|---|---|");
            foreach (var answer in smoke.Answers) Line($"| {Cell(answer.Question)} | {Cell(answer.Answer)} | {answer.Tokens} | {Verdict(answer)} |");
            Line($"");
        }

        void WriteForms()
        {
            Line($"## Other forms of the model");
            Line($"");
            Line($"| form | backend | largest difference of log-probabilities | mean difference | equal greedy tokens |");
            Line($"|---|---|---|---|---|");
            foreach (var form in report.Forms) Line($"| {Cell(form.Folder)} | {form.Backend} | {form.Difference:0.00E+0} | {form.MeanDifference:0.00E+0} | {(form.GreedyAgreement is { } share ? Invariant($"{100 * share:F1} %") : "-")} |");
            Line($"");
        }
    }

    private static string Verdict(TrialAnswer answer)
    {
        if (answer.HasPassed) return "passed";
        var reasons = new List<string>();
        if (!answer.HasEnded) reasons.Add("does not end");
        if (!answer.IsInScript) reasons.Add("other script");
        if (answer.IsLooping) reasons.Add("goes round in circles");
        return string.Join(", ", reasons);
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    // What a model or a user wrote must neither break the table nor become markup.
    private static string Cell(string text)
    {
        var cell = new StringBuilder(text.Length);
        foreach (var c in text.ReplaceLineEndings(" "))
        {
            if (c is '|' or '\\' or '`' or '*' or '_' or '[' or ']' or '<') cell.Append('\\');
            cell.Append(c);
        }

        return cell.ToString();
    }
}
