using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Text;
using Microsoft.Extensions.Logging;

namespace Alpaca.Tokenizers;

/// <summary>Appends the pieces of a Chinese SentencePiece model to LLaMA's, byte for byte as the original <c>merge_tokenizers.py</c>.</summary>
public sealed class TokenizerMerger : ITokenizerMerger
{
    /// <summary>What the original script tokenizes at its end.</summary>
    internal const string TestText = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。\nThe primary use of LLaMA is research on large language models, including";

    /// <inheritdoc />
    public Task<TokenizerArtifact> ExecuteAsync(MergeTokenizersRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);

        var (basis, other) = Load(request);
        cancellationToken.ThrowIfCancellationRequested();
        // Made here to check, before anything is written, that the result can be used.
        var before = LlamaTokenizer.Create(basis);
        var log = context.Logger;
        Log.Lengths(log, basis.Pieces.Count, other.Pieces.Count);
        Log.SpecialTokens(log, basis.Trainer.BosPiece, before.BosId, basis.Trainer.EosPiece, before.EosId, before.PieceOf(before.UnkId!.Value)!, before.UnkId);
        Log.Before(log, basis.Pieces.Count);

        var merge = VocabularyMerge.Of(basis, other, request.PadToken);
        var after = LlamaTokenizer.Create(merge.Model);
        Log.After(log, merge.Model.Pieces.Count, merge.Added, merge.Duplicates);

        cancellationToken.ThrowIfCancellationRequested();
        TokenizerFolderWriter.Write(merge.Model, request.PadToken, context.OutputFolder);
        Log.Saved(log, context.OutputFolder);
        Log.TestText(log, TestText);
        LogTokens(log, "LLaMA", before);
        LogTokens(log, "Chinese-LLaMA", after);

        return Task.FromResult(new TokenizerArtifact
        {
            VocabularySize = merge.Model.Pieces.Count,
            AddedPieces = merge.Model.Pieces.Count - basis.Pieces.Count,
            Metrics = new Dictionary<string, double>
            {
                ["pieces"] = merge.Model.Pieces.Count,
                ["added"] = merge.Added,
                ["duplicates"] = merge.Duplicates,
            },
        });
    }

    /// <summary>Reads both models; what is wrong with either is told at once.</summary>
    private static (SentencePieceModel Basis, SentencePieceModel Other) Load(MergeTokenizersRequest request)
    {
        var problems = new List<string>();
        var basis = Try(() => SentencePieceModel.Load(FindModel(request.LlamaTokenizerDir)));
        var other = Try(() => SentencePieceModel.Load(request.ChineseSpModelFile));
        if (request.PadToken is { } pad && (pad.Length == 0 || pad.Any(char.IsWhiteSpace)))
            problems.Add("The padding piece (PadToken) is empty or has a space in it; name one such as [PAD], or leave it out.");
        if (basis is not null && basis.Trainer.ModelType != SentencePieceModelType.Bpe)
            problems.Add($"{basis.Name} is a {basis.Trainer.ModelType} model, not LLaMA's byte-pair encoding; name LLaMA's tokenizer (are the two models swapped?).");
        if (problems.Count > 0) throw new AlpacaException(string.Join(Environment.NewLine, problems));
        return (basis!, other!);

        SentencePieceModel? Try(Func<SentencePieceModel> load)
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

    private static void LogTokens(ILogger log, string name, LlamaTokenizer tokenizer)
    {
        var ids = tokenizer.Encode(TestText);
        Log.Tokens(log, name, ids.Count, string.Join(' ', ids.Select(tokenizer.PieceOf)), string.Join(' ', ids.Select(id => id.ToString(CultureInfo.InvariantCulture))));
    }
}
