using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Training;

/// <summary>Whether tokenizer, model and what is trained go together.</summary>
internal static class VocabularyCheck
{
    /// <summary>Compares the tokenizer's pieces with the model's rows.</summary>
    /// <exception cref="AlpacaException">They do not go together; says all that is wrong.</exception>
    public static void Run(TrainingRequest request, LlamaConfig model, int pieces, IReadOnlyList<string> modulesToSave)
    {
        var problems = new List<string>();
        var rows = model.VocabSize;
        if (pieces < rows)
            problems.Add($"The tokenizer {request.TokenizerNameOrPath} has {pieces} pieces but the model {request.ModelNameOrPath} has rows for {rows}; give the tokenizer that the model was trained with, or one merged from it.");
        if (model.TieWordEmbeddings && modulesToSave.Contains(LoraSettings.LmHead))
            problems.Add($"The model {request.ModelNameOrPath} uses one matrix as embed_tokens and lm_head (tie_word_embeddings), so lm_head cannot be trained by itself; set ModulesToSave to embed_tokens.");

        string[] needed = model.TieWordEmbeddings ? [LoraSettings.EmbedTokens] : [LoraSettings.EmbedTokens, LoraSettings.LmHead];
        if (pieces > rows && needed.Except(modulesToSave).Any())
            problems.Add($"The tokenizer {request.TokenizerNameOrPath} has {pieces - rows} pieces more than the {rows} rows of the model {request.ModelNameOrPath}, and new rows must be trained; set ModulesToSave to {string.Join(',', needed)}.");
        if (pieces == rows && request.TrainableRows == TrainableRows.New)
            problems.Add($"TrainableRows is new, but the tokenizer {request.TokenizerNameOrPath} adds no piece to the {rows} rows of the model {request.ModelNameOrPath}; give the base model from before its vocabulary grew, or set TrainableRows to all.");
        if (problems.Count > 0) throw new AlpacaException(string.Join('\n', problems));
    }
}
