using Alpaca.Abstractions;

namespace Alpaca.Evaluation;

/// <summary>A question that is answered on trial.</summary>
/// <param name="Text">The question, for people.</param>
/// <param name="PromptIds">The prompt, in the template.</param>
/// <param name="MaxNewTokens">The tokens within which the answer has to end; fewer than asked for where the model's context ends earlier.</param>
/// <param name="Script">The script that the answer is to be in.</param>
internal sealed record TrialQuestion(string Text, IReadOnlyList<int> PromptIds, int MaxNewTokens, AnswerScript Script)
{
    /// <summary>The first questions that the request asks for.</summary>
    /// <exception cref="AlpacaException">A question of the smoke file leaves no room for an answer.</exception>
    public static IReadOnlyList<TrialQuestion> Choose(EvaluateRequest request, EvaluationData data, ComparedModel model)
    {
        var mostAreIn = TextScript.OfMost(data.Validation.SelectMany(sample => sample.Turns).Select(turn => turn.Assistant).OfType<string>());
        var questions = new List<TrialQuestion>();
        foreach (var row in data.Questions)
        {
            if (questions.Count == request.SmokeCount) break;
            var last = row.Turns[^1];
            var ids = data.Template.EncodeChat(model.Tokenizer, [.. row.Turns.SkipLast(1), last with { Assistant = null }], row.System);
            var room = model.Positions - ids.Count;
            var script = request.SmokeScript != AnswerScript.Auto ? request.SmokeScript : last.Assistant is { } answer && TextScript.Of(answer) is { } known ? known : mostAreIn;
            if (room > 0) questions.Add(new TrialQuestion(last.User, ids, Math.Min(room, request.SmokeMaxNewTokens), script));
            else if (request.SmokeFile is not null) throw new AlpacaException($"{row.Place} has {ids.Count} tokens with its template, which leaves no room for an answer in the model's context of {model.Positions}; shorten it.");
        }

        return questions;
    }
}
