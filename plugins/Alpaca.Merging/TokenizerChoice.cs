using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;

namespace Alpaca.Merging;

/// <summary>Which tokenizer belongs to which adapter, and which the result gets: the last adapter's.</summary>
internal static class TokenizerChoice
{
    /// <summary>Checks every tokenizer against the vocabulary of its adapter.</summary>
    /// <param name="model">The base.</param>
    /// <param name="adapters">The adapters, in order.</param>
    /// <param name="tokenizerPaths">A folder for each adapter, or none.</param>
    /// <param name="vocabularySize">The result's vocabulary.</param>
    /// <param name="problems">Gets what is wrong.</param>
    /// <returns>The folder of the result's tokenizer, or <see langword="null"/> when neither the last adapter nor the base has one.</returns>
    public static string? Check(HuggingFaceModel model, IReadOnlyList<PeftAdapter> adapters, IReadOnlyList<string> tokenizerPaths, int vocabularySize, List<string> problems)
    {
        var size = model.Config.VocabSize;
        string? chosen = null;
        for (var i = 0; i < adapters.Count; i++)
        {
            size = adapters[i].VocabularySize ?? size;
            chosen = tokenizerPaths.Count > 0 ? tokenizerPaths[i] : adapters[i].Folder;
            if (!TokenizerFiles.ExistIn(chosen))
            {
                if (tokenizerPaths.Count > 0)
                {
                    problems.Add($"The tokenizer folder {chosen} has no {TokenizerFiles.Model}; name a folder that has one.");
                }

                chosen = null;
                continue;
            }

            CheckSize(chosen, size, adapters[i].VocabularySize is null ? model.Folder : adapters[i].WeightsFile, problems);
        }

        if (chosen is null && TokenizerFiles.ExistIn(model.Folder))
        {
            chosen = model.Folder;
            CheckSize(chosen, vocabularySize, adapters[^1].WeightsFile, problems);
        }

        return chosen;
    }

    private static void CheckSize(string folder, int rows, string owner, List<string> problems)
    {
        int pieces;
        try
        {
            // Any tokenizer.json has a size, also of kinds that are not read.
            pieces = File.Exists(Path.Combine(folder, TokenizerFiles.Model))
                ? ModelTokenizer.Load(folder).VocabularySize
                : TokenizerJson.ReadVocabularySize(Path.Combine(folder, TokenizerJson.FileName));
        }
        catch (AlpacaException e)
        {
            problems.Add(e.Message);
            return;
        }

        if (pieces < rows)
        {
            problems.Add($"The tokenizer in {folder} has {pieces} pieces, fewer than the {rows} rows of the vocabulary in {owner}; name the tokenizer that was trained with (--tokenizer-path), or swap the adapters if their order is wrong.");
        }
        else if (pieces > rows)
        {
            problems.Add($"The tokenizer in {folder} has {pieces} pieces, more than the {rows} rows of the vocabulary in {owner}; name the tokenizer that was trained with (--tokenizer-path), or train with modules-to-save embed_tokens,lm_head so that the adapter brings the new rows.");
        }
    }
}
