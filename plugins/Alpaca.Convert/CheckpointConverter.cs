using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;
using Microsoft.Extensions.Logging;

namespace Alpaca.Convert;

/// <summary>Turns original LLaMA checkpoints into Hugging Face folders and back: joins or splits the shards, reorders the rows of the query and key heads, renames the tensors.</summary>
/// <remarks>
/// Pure data movement: every element keeps its bits, and memory use does not depend on the model's size. Semantics of transformers'
/// <c>convert_llama_weights_to_hf.py</c> for LLaMA 1 to Llama 3.2, and of the <c>.pth</c> output of <c>merge_llama_with_chinese_lora.py</c>, but right for grouped-query
/// attention too. A Hugging Face folder that stays one is rewritten as safetensors.
/// </remarks>
public sealed class CheckpointConverter : ICheckpointConverter, IPlanningStage<ConvertRequest>
{
    /// <inheritdoc />
    public Task<ModelArtifact> ExecuteAsync(ConvertRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        return Task.FromResult(Convert(request, context, cancellationToken));
    }

    /// <inheritdoc />
    public StagePlan Plan(ConvertRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var plan = ConversionPlan.Create(request);
        return new StagePlan { Steps = [.. plan.Describe()], OutputBytes = plan.OutputBytes, MemoryBytes = plan.MemoryBytes };
    }

    private static ModelArtifact Convert(ConvertRequest request, StageContext context, CancellationToken cancellationToken)
    {
        var started = context.TimeProvider.GetTimestamp();
        using var plan = ConversionPlan.Create(request);
        var bytes = plan.OutputBytes;
        DiskRoom.Require(context.OutputFolder, bytes, "the converted model");
        context.Logger.LogInformation(
            "Converting {Folder} ({Kind}): {Tensors} tensors, {Megabytes:F0} MB", plan.Location.Folder, plan.Kind, plan.Tensors.Count, bytes / 1e6);
        try
        {
            if (plan.Format == ModelFormat.Pth)
            {
                WriteOriginal(plan, bytes, context, cancellationToken);
            }
            else
            {
                WriteHuggingFace(plan, bytes, context, cancellationToken);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"The model cannot be written to {context.OutputFolder} ({e.Message}); make room on the disk or choose another folder.", e);
        }

        var seconds = Math.Max(context.TimeProvider.GetElapsedTime(started).TotalSeconds, 1e-6);
        return new ModelArtifact
        {
            Format = plan.Format,
            Parameters = plan.Tensors.Where(t => !LlamaTensorNames.IsRotaryFrequencies(t.Name)).Sum(t => t.ElementCount),
            VocabularySize = plan.Config.VocabSize,
            Metrics = new Dictionary<string, double>
            {
                ["shards"] = plan.Format == ModelFormat.Pth ? plan.Shards : plan.ShardsRead,
                ["tensors"] = plan.Tensors.Count,
                ["bytes"] = bytes,
                ["seconds"] = seconds,
                ["megabytesPerSecond"] = bytes / 1e6 / seconds,
            },
        };
    }

    private static void WriteHuggingFace(ConversionPlan plan, long bytes, StageContext context, CancellationToken cancellationToken)
    {
        using (var writer = new ShardedSafetensorsWriter(context.OutputFolder, plan.Tensors))
        {
            Move(plan, plan.BlockRows, writer, bytes, context, cancellationToken);
            writer.Complete();
        }

        if (plan.Location.IsHuggingFace)
        {
            HuggingFaceFiles.Copy(plan.Location.Folder, context.OutputFolder);
            return;
        }

        plan.Config.Save(context.OutputFolder);
        GenerationConfig.Write(context.OutputFolder, plan.Config);
        switch (plan.Tokenizer)
        {
            case TiktokenTokenizer tokenizer:
                Llama3TokenizerWriter.Write(context.OutputFolder, tokenizer.Pieces, plan.Version, plan.Config.MaxPositionEmbeddings);
                // For the way back. Under its name beside the weights it would be taken for a SentencePiece model.
                TokenizerFiles.CopyModel(tokenizer.Path, Directory.CreateDirectory(Path.Combine(context.OutputFolder, CheckpointLocation.OriginalFolder)).FullName);
                break;
            case SentencePieceTokenizer tokenizer:
                TokenizerFiles.CopyModel(tokenizer.Path, context.OutputFolder);
                var fast = HuggingFaceTokenizer.Write(context.OutputFolder, tokenizer.Model, new HuggingFaceTokenizerSettings { ModelMaxLength = plan.Config.MaxPositionEmbeddings });
                if (fast is null) context.Logger.LogWarning("{Model} has no equal in {File}: {Reason}", tokenizer.Path, FastTokenizer.FileName, FastTokenizer.WhyNot(tokenizer.Model));
                break;
            default:
                WarnOfMissingTokenizer(plan, context);
                break;
        }
    }

    private static void WriteOriginal(ConversionPlan plan, long bytes, StageContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> files;
        using (var writer = new MetaModelWriter(context.OutputFolder, plan.Config, plan.Tensors, plan.Shards, plan.EmbeddingSplit))
        {
            Move(plan, writer.BlockRows, writer, bytes, context, cancellationToken);
            writer.Complete();
            files = writer.FileNames;
        }

        var parameters = Path.Combine(context.OutputFolder, MetaParameters.FileName);
        if (plan.Location.IsHuggingFace)
        {
            // Only Llama 3's own code wants the vocabulary's size; the earlier takes the tokenizer's.
            var vocabulary = plan.Version >= LlamaVersion.Llama3 ? plan.Config.VocabSize : -1;
            File.WriteAllText(parameters, (MetaLayout.ParametersOf(plan.Config) with { VocabSize = vocabulary }).ToJson());
        }
        else
        {
            File.WriteAllBytes(parameters, File.ReadAllBytes(Path.Combine(plan.Location.Folder, MetaParameters.FileName)));
        }

        MetaChecklist.Write(context.OutputFolder, [.. files, MetaParameters.FileName], context.Progress, cancellationToken);
        if (plan.Location.TokenizerModel is { } tokenizer)
        {
            TokenizerFiles.CopyModel(tokenizer, context.OutputFolder);
        }
        else
        {
            WarnOfMissingTokenizer(plan, context);
        }
    }

    private static void WarnOfMissingTokenizer(ConversionPlan plan, StageContext context) =>
        context.Logger.LogWarning("No {File} was found with {Folder}; the converted model has no tokenizer", TokenizerFiles.Model, plan.Location.Folder);

    private static void Move(ConversionPlan plan, Func<TensorInfo, int> blockRows, ITensorWriter writer, long bytes, StageContext context, CancellationToken cancellationToken)
    {
        using var progress = context.Progress.Start(plan.Location.Name, bytes, ProgressUnit.Bytes);
        RowPipeline.Run(plan.Tensors.Select(tensor =>
        {
            var rowBytes = tensor.Shape.Count == 0 ? tensor.ByteLength : tensor.ByteLength / Math.Max(tensor.Shape[0], 1);
            return RowTask.For(tensor, blockRows(tensor), chunk =>
            {
                var rows = chunk.Scratch.Get<byte>(0, checked((int)(chunk.Rows * rowBytes)));
                plan.Source.Read(tensor, chunk.FirstRow * rowBytes, rows);
                writer.Write(tensor.Name, chunk.FirstRow * rowBytes, rows);
            });
        }), progress, cancellationToken);
    }
}
