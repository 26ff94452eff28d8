using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Llama;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>Loads the base model, puts LoRA on it and gives everything that is trained its starting values.</summary>
internal static class TrainedModelLoader
{
    /// <summary>Loads a model.</summary>
    /// <param name="request">Precision, seed, starting values.</param>
    /// <param name="baseModel">The model's folder; if only new rows are trained it stays open until the result is saved, and so does <paramref name="adapter"/>.</param>
    /// <param name="adapter">The adapter to go on from, or <see langword="null"/>.</param>
    /// <param name="settings">What is trained.</param>
    /// <param name="vocabularySize">Rows that the embedding shall have.</param>
    /// <param name="device">Where to train.</param>
    /// <param name="progress">Told how many bytes are loaded.</param>
    /// <param name="cancellationToken">Ends the loading early.</param>
    /// <exception cref="AlpacaException">The starting values do not fit the model.</exception>
    public static TrainedModel Load(
        TrainingRequest request, HuggingFaceModel baseModel, PeftAdapter? adapter, LoraSettings settings, int vocabularySize, Device device, IStageProgress progress,
        CancellationToken cancellationToken = default)
    {
        var dropout = new LoraDropout(settings.Config.LoraDropout, request.Seed);
        var adapters = new LoraAdapters(settings, dropout);
        LlamaModel? model = null;
        try
        {
            using var task = progress.Start("loading the base model", null, ProgressUnit.Bytes);
            var options = new LlamaModelOptions
            {
                Device = device,
                WeightType = TorchDevice.ScalarTypeOf(request.Precision),
                EmbeddingType = settings.ModulesToSave.Count > 0 && request.TrainableRows == TrainableRows.All ? ScalarType.Float32 : null,
                SeparateAddedRows = request.TrainableRows == TrainableRows.New,
                NewRowInit = request.NewRowInit,
                UseFusedKernels = request.FusedKernels,
                ProjectionFactory = adapters.Create,
                VocabularySize = vocabularySize,
                Seed = Seeds.Derive(request.Seed, "new rows"),
            };
            model = LlamaModel.Load(baseModel, options, task.WithCancellation(cancellationToken));
            if (adapter is not null)
            {
                adapters.InitializeFrom(adapter, request.PeftPath!);
                TakeSavedModules(model, adapter, request.PeftPath!);
            }
            else
            {
                adapters.InitializeRandom(request.Seed);
                if (request.LoraInit is { } file) adapters.InitializeFrom(file);
            }

            return new TrainedModel(model, adapters, settings.ModulesToSave, dropout, new PassOptions(request.Packing, request.LossChunk, request.ActivationCheckpointing, request.LabelOnlyLogits), request.LoraPlusRatio, FrozenRows);
        }
        catch
        {
            model?.Dispose();
            dropout.Dispose();
            throw;
        }

        IReadOnlyList<StoredRows> FrozenRows(string name)
        {
            var own = baseModel.Tensors.Find(name)!;
            if (adapter?.SavedModules.GetValueOrDefault(name) is not { } saved) return [new StoredRows(baseModel.Tensors, own, 0, own.Shape[0])];
            var taken = Math.Min(saved.Shape[0], own.Shape[0]);
            return [new StoredRows(adapter.Tensors, saved, 0, taken), new StoredRows(baseModel.Tensors, own, taken, own.Shape[0] - taken)];
        }
    }

    private static void TakeSavedModules(LlamaModel model, PeftAdapter adapter, string folder)
    {
        foreach (var (name, info) in adapter.SavedModules)
        {
            var (parameter, added) = name switch
            {
                LlamaTensorNames.EmbedTokens => (model.EmbedTokens, model.AddedEmbedTokens),
                LlamaTensorNames.LmHead => (model.LmHead, model.AddedLmHead),
                _ => throw new AlpacaException($"{folder} holds {name}, which cannot be trained here; only {string.Join(" and ", LoraSettings.SavableModules)} can."),
            };
            // An adapter made before the tokenizer grew has fewer rows; the others keep their random start.
            var rows = parameter.shape[0] + (added?.shape[0] ?? 0);
            if (info.Shape.Count != 2 || info.Shape[1] != parameter.shape[1] || info.Shape[0] > rows)
            {
                throw new AlpacaException(
                    $"{name} in {folder} is [{string.Join(", ", info.Shape)}], which does not fit the [{rows}, {parameter.shape[1]}] of the base model with this tokenizer; take the tokenizer and the base that the adapter was trained with.");
            }

            var first = Math.Min(info.Shape[0], parameter.shape[0]);
            TensorFiles.ReadRows(adapter.Tensors, info, 0, first, parameter);
            if (added is not null) TensorFiles.ReadRows(adapter.Tensors, info, first, info.Shape[0] - first, added);
        }
    }
}
