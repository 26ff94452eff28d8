using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>The vocabulary may only grow from the base through the adapters, in their order.</summary>
internal static class VocabularyContract
{
    /// <summary>Checks the rows of all embeddings and output layers against each other.</summary>
    /// <returns>The result's vocabulary.</returns>
    public static int Check(HuggingFaceModel model, IReadOnlyList<PeftAdapter> adapters, List<string> problems)
    {
        var size = model.Config.VocabSize;
        PeftAdapter? owner = null;
        foreach (var adapter in adapters)
        {
            var before = problems.Count;
            CheckPair(model, adapter, size, problems);
            if (adapter.VocabularySize is not { } rows || problems.Count > before)
            {
                continue;
            }

            if (rows < size)
            {
                problems.Add(owner is null
                    ? $"The adapter {adapter.WeightsFile} has a vocabulary of {rows}, smaller than the {size} of the base model {model.Folder}; it was trained on another base, which must be named instead."
                    : $"The adapter {adapter.WeightsFile} has a vocabulary of {rows}, smaller than the {size} of {owner.WeightsFile} before it; swap them (the pre-training adapter comes first): {adapter.Folder},{owner.Folder}.");
                continue;
            }

            size = rows;
            owner = adapter;
        }

        return size;
    }

    // Both matrices must have the same rows in the end; an adapter that changes the number must bring both.
    private static void CheckPair(HuggingFaceModel model, PeftAdapter adapter, int size, List<string> problems)
    {
        var embedding = adapter.SavedModules.GetValueOrDefault(LlamaTensorNames.EmbedTokens);
        var head = adapter.SavedModules.GetValueOrDefault(LlamaTensorNames.LmHead);
        if (embedding is not null && head is not null)
        {
            if (embedding.Shape[0] != head.Shape[0])
            {
                problems.Add($"The adapter {adapter.WeightsFile} has {embedding.Shape[0]} rows of embed_tokens and {head.Shape[0]} of lm_head; save it again, both belong to one vocabulary.");
            }
        }
        else if ((embedding ?? head) is { } only && only.Shape[0] != size && !model.Config.TieWordEmbeddings)
        {
            var (has, lacks) = embedding is not null ? ("embed_tokens", "lm_head") : ("lm_head", "embed_tokens");
            problems.Add($"The adapter {adapter.WeightsFile} has {only.Shape[0]} rows of {has} where the model has {size}, and no {lacks}; train it with modules-to-save embed_tokens,lm_head.");
        }
    }
}
