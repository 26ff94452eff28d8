using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Text;
using Microsoft.Extensions.Logging;

namespace Alpaca.Tokenizers;

/// <summary>Appends the pieces of SentencePiece models to LLaMA's, byte for byte as the original <c>merge_tokenizers.py</c>, and writes the folder that Hugging Face's tokenizers read.</summary>
public sealed class TokenizerMerger : ITokenizerMerger
{
    /// <summary>The name under which the original script wrote the merged SentencePiece model.</summary>
    internal const string MergedModelFileName = "chinese_llama.model";

    /// <summary>What the original script tokenizes at its end.</summary>
    internal const string TestText = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。\nThe primary use of LLaMA is research on large language models, including";

    private const string NoChatTemplate = "none";

    /// <inheritdoc />
    public Task<TokenizerArtifact> ExecuteAsync(MergeTokenizersRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);

        var (basis, others, extra, reportText, chatTemplate) = Load(request);
        cancellationToken.ThrowIfCancellationRequested();
        // Made here to check, before anything is written, that the result can be used.
        var before = LlamaTokenizer.Create(basis);
        var log = context.Logger;
        Log.Lengths(log, basis.Pieces.Count, others.Sum(other => other.Pieces.Count));
        Log.SpecialTokens(log, basis.Trainer.BosPiece, before.BosId, basis.Trainer.EosPiece, before.EosId, before.PieceOf(before.UnkId!.Value)!, before.UnkId);
        Log.Before(log, basis.Pieces.Count);

        var merge = VocabularyMerge.Of(basis, others, extra, request.PadToken, request.PadFirst);
        var after = LlamaTokenizer.Create(merge.Model);
        Log.After(log, merge.Model.Pieces.Count, merge.Added, merge.Duplicates);

        cancellationToken.ThrowIfCancellationRequested();
        merge.Model.Save(Path.Combine(context.OutputFolder, LlamaTokenizer.ModelFileName));
        merge.Model.Save(Path.Combine(context.OutputFolder, MergedModelFileName));
        var fast = HuggingFaceTokenizer.Write(context.OutputFolder, merge.Model, new HuggingFaceTokenizerSettings
        {
            PadToken = request.PadToken,
            ChatTemplate = chatTemplate,
            NamesLegacy = true,
            Frequencies = FrequenciesOf(others),
        });
        if (fast is null) Log.NoFastTokenizer(log, FastTokenizer.FileName, FastTokenizer.WhyNot(merge.Model)!);
        cancellationToken.ThrowIfCancellationRequested();
        var report = MergeReport.Of(before, merge, after, request.PadToken, fast, reportText);
        report.Save(context.OutputFolder);

        // By name only: the folder is a temporary one until the stage has ended.
        Log.Saved(log, string.Join(", ", Directory.EnumerateFiles(context.OutputFolder).Select(Path.GetFileName).Order(StringComparer.Ordinal)));
        Log.TestText(log, TestText);
        LogTokens(log, "LLaMA", before);
        LogTokens(log, "Chinese-LLaMA", after);
        LogReport(log, report);

        return Task.FromResult(new TokenizerArtifact
        {
            VocabularySize = report.Pieces.Total,
            AddedPieces = report.Pieces.Total - report.Pieces.Base,
            UnreachablePieces = report.Reachability.Unreachable,
            Metrics = new Dictionary<string, double>
            {
                ["pieces"] = report.Pieces.Total,
                ["added"] = report.Pieces.Added,
                ["duplicates"] = report.Pieces.Duplicates,
                ["extra"] = report.Pieces.Extra,
                ["reachableAlone"] = report.Reachability.ReachableAlone,
                ["unreachable"] = report.Reachability.Unreachable,
                ["tokensPerCharacterBefore"] = report.Text.TokensPerCharacterBefore,
                ["tokensPerCharacterAfter"] = report.Text.TokensPerCharacterAfter,
                ["englishChangedShare"] = report.English.ChangedShare,
            },
        });
    }

    /// <summary>Reads everything; what is wrong is told at once.</summary>
    private static (SentencePieceModel Basis, IReadOnlyList<SentencePieceModel> Others, IReadOnlyList<string> Extra, string ReportText, string? ChatTemplate) Load(MergeTokenizersRequest request)
    {
        var problems = new List<string>();
        var basis = Try(() => SentencePieceModel.Load(FindModel(request.LlamaTokenizerDir)));
        var others = request.ChineseSpModelFile.Select(file => Try(() => SentencePieceModel.Load(file))).OfType<SentencePieceModel>().ToList();
        if (request.ChineseSpModelFile.Count == 0) problems.Add("No model to add is named (ChineseSpModelFile); name a SentencePiece model.");
        if (basis is not null && basis.Trainer.ModelType != SentencePieceModelType.Bpe)
            problems.Add($"{basis.Name} is a {basis.Trainer.ModelType} model, not LLaMA's byte-pair encoding; name LLaMA's tokenizer (are the two models swapped?).");
        var extra = ExtraPieces.Read(request, problems);
        if (request.PadToken is { } pad && (pad.Length == 0 || pad.Any(c => char.IsWhiteSpace(c) || char.IsControl(c))))
            problems.Add("The padding piece (PadToken) is empty or has a space in it; name one such as [PAD], or leave it out.");
        else if (request.PadToken is { } piece && extra.Contains(piece, StringComparer.Ordinal))
            problems.Add($"The padding piece (PadToken) '{piece}' is among the extra pieces too; remove it there.");
        if (request.PadFirst && request.PadToken is null) problems.Add("PadFirst is set, but no padding piece (PadToken); name one such as <pad>.");
        var chatTemplate = request.ChatTemplate.Equals(NoChatTemplate, StringComparison.OrdinalIgnoreCase) ? null : Try(() => PromptTemplate.Get(request.ChatTemplate).ToJinja());
        var reportText = request.ReportText is { } file ? ExtraPieces.ReadText(file, problems) : TestText;
        if (problems.Count > 0) throw new AlpacaException(string.Join(Environment.NewLine, problems));
        return (basis!, others, extra, reportText!, chatTemplate);

        T? Try<T>(Func<T> load) where T : class
        {
            try
            {
                return load();
            }
            catch (AlpacaException e)
            {
                problems.Add(e.Message);
                return null;
            }
        }
    }

    private static string FindModel(string folderOrFile)
    {
        if (!Directory.Exists(folderOrFile)) return folderOrFile;
        var file = Path.Combine(folderOrFile, LlamaTokenizer.ModelFileName);
        return File.Exists(file)
            ? file
            : throw new AlpacaException($"{folderOrFile} has no {LlamaTokenizer.ModelFileName}; name the folder with LLaMA's tokenizer, or the file itself.");
    }

    /// <summary>The scores of a unigram model are the logarithms of its pieces' frequencies; those of other kinds say nothing of the sort.</summary>
    private static Dictionary<string, double>? FrequenciesOf(IEnumerable<SentencePieceModel> models)
    {
        var frequencies = models.Where(model => model.Trainer.ModelType == SentencePieceModelType.Unigram)
            .SelectMany(model => model.Pieces)
            .Where(piece => piece.Type == SentencePieceType.Normal)
            .GroupBy(piece => piece.Text, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => Math.Exp(Math.Min(0, group.Max(piece => piece.Score))), StringComparer.Ordinal);
        return frequencies.Count == 0 ? null : frequencies;
    }

    private static void LogTokens(ILogger log, string name, LlamaTokenizer tokenizer)
    {
        var ids = tokenizer.Encode(TestText);
        Log.Tokens(log, name, ids.Count, string.Join(' ', ids.Select(tokenizer.PieceOf)), string.Join(' ', ids.Select(id => id.ToString(CultureInfo.InvariantCulture))));
    }

    private static void LogReport(ILogger log, MergeReport report)
    {
        Log.Reachability(log, report.Reachability.ReachableAlone, report.Reachability.Added, report.Reachability.Unreachable, string.Join(' ', report.Reachability.Examples));
        Log.Lengths(log, report.Text.TokensPerCharacterBefore, report.Text.TokensPerCharacterAfter, report.Text.TokensBefore, report.Text.TokensAfter, report.Text.Characters);
        Log.English(log, report.English.Changed, report.English.Words, string.Join(' ', report.English.Examples.Select(example => example.Word)));
        if (report.FastTokenizer is { } fast) Log.Fast(log, FastTokenizer.FileName, fast.LongestMatchPieces - fast.OrderedPieces, fast.OrderedPieces, fast.SpoiltPieces);
    }
}
