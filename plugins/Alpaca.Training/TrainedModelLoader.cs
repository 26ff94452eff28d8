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
    /// <param name="baseModel">The model's folder.</param>
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
                EmbeddingType = settings.ModulesToSave.Count > 0 ? ScalarType.Float32 : null,
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

            return new TrainedModel(model, adapters, settings.ModulesToSave, dropout, new PassOptions(request.Packing, request.LossChunk, request.ActivationCheckpointing, request.LabelOnlyLogits), request.LoraPlusRatio);
        }
        catch
        {
            model?.Dispose();
            dropout.Dispose();
            throw;
        }
    }

    private static void TakeSavedModules(LlamaModel model, PeftAdapter adapter, string folder)
    {
        foreach (var (name, info) in adapter.SavedModules)
        {
            var parameter = name switch
            {
                LlamaTensorNames.EmbedTokens => model.EmbedTokens,
                LlamaTensorNames.LmHead => model.LmHead,
                _ => throw new AlpacaException($"{folder} holds {name}, which cannot be trained here; only {string.Join(" and ", LoraSettings.SavableModules)} can."),
            };
            // An adapter made before the tokenizer grew has fewer rows; the others keep their random start.
            if (info.Shape.Count != 2 || info.Shape[1] != parameter.shape[1] || info.Shape[0] > parameter.shape[0])
            {
                throw new AlpacaException(
                    $"{name} in {folder} is [{string.Join(", ", info.Shape)}], which does not fit the [{string.Join(", ", parameter.shape)}] of the base model with this tokenizer; take the tokenizer and the base that the adapter was trained with.");
            }

            TensorFiles.Read(adapter.Tensors, info, parameter);
        }
    }
}
