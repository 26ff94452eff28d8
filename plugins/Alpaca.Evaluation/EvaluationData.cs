using Alpaca.Abstractions;
using Alpaca.Llama;
using Alpaca.Text;
using static TorchSharp.torch;

namespace Alpaca.Evaluation;

/// <summary>What an evaluation works on, read and checked before a model is.</summary>
/// <param name="Device">Where losses are measured.</param>
/// <param name="Template">How prompts are written.</param>
/// <param name="Validation">What is measured on.</param>
/// <param name="Probe">What must not be forgotten, if there is such data.</param>
/// <param name="Questions">For trial answers, in the order of their file; more than are asked.</param>
internal sealed record EvaluationData(Device Device, PromptTemplate Template, IReadOnlyList<Conversation> Validation, IReadOnlyList<Conversation>? Probe, IReadOnlyList<Conversation> Questions)
{
    /// <summary>Reads the data.</summary>
    /// <exception cref="AlpacaException">Something cannot be used; one line or more for each problem.</exception>
    public static EvaluationData Load(EvaluateRequest request)
    {
        var problems = new List<AlpacaException>();
        var device = Try(() => TorchDevice.Parse(request.Device));
        var template = Try(() => PromptTemplate.Get(request.Template));
        var validation = Try(() => InstructionDataset.Load([request.ValidationFile]));
        var probe = request.ProbeFile is { } probeFile ? Try(() => InstructionDataset.Load([probeFile])) : null;
        var questions = request.SmokeFile is { } smokeFile ? Try(() => InstructionDataset.LoadQuestions([smokeFile])) : validation;
        foreach (var folder in request.Forms.Prepend(request.Champion).OfType<string>().Where(folder => !Directory.Exists(folder)))
            problems.Add(new AlpacaException($"The model folder {folder} does not exist; check the path."));
        if (problems.Count == 0) return new EvaluationData(device!, template!, validation!, probe, questions!);
        var message = string.Join(Environment.NewLine, problems.Select(problem => problem.Message));
        throw problems.Exists(problem => problem is AlpacaUsageException) ? new AlpacaUsageException(message, problems[0]) : new AlpacaException(message, problems[0]);

        T? Try<T>(Func<T> read) where T : class
        {
            try
            {
                return read();
            }
            catch (AlpacaException e)
            {
                problems.Add(e);
                return null;
            }
        }
    }
}
