using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;
using Microsoft.Extensions.Logging;

namespace Alpaca.Convert;

/// <summary>Turns an original LLaMA checkpoint into a Hugging Face folder: joins the shards, reorders the rows of the query and key heads, renames the tensors.</summary>
/// <remarks>
/// Pure data movement: every element keeps its bits, and memory use does not depend on the model's size. Semantics of transformers 4.28
/// <c>convert_llama_weights_to_hf.py</c>, with grouped-query attention and rope_theta of its successors.
/// </remarks>
public sealed class CheckpointConverter : ICheckpointConverter
{
    /// <inheritdoc />
    public Task<ModelArtifact> ExecuteAsync(ConvertRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        return Task.FromResult(Convert(request, context, cancellationToken));
    }

    private static ModelArtifact Convert(ConvertRequest request, StageContext context, CancellationToken cancellationToken)
    {
        var started = context.TimeProvider.GetTimestamp();
        var location = CheckpointLocation.Find(request.InputDir, request.ModelSize);
        using var model = MetaModel.Open(location.Folder);
        var config = LlamaConfiguration.Of(model);
        ThrowIfTokenizerDoesNotFit(location, config.VocabSize);
        var bytes = model.Tensors.Sum(t => t.ByteLength);
        context.Logger.LogInformation(
            "Converting {Folder}: {Shards} shards, {Tensors} tensors, {Megabytes:F0} MB", location.Folder, model.ShardFiles.Count, model.Tensors.Count, bytes / 1e6);

        using (var writer = new ShardedSafetensorsWriter(context.OutputFolder, model.Tensors))
        using (var progress = context.Progress.Start(location.SizeName, bytes, ProgressUnit.Bytes))
        {
            RowPipeline.Run(model.Tensors.Select(t => CreateTask(t, model, writer)), progress, cancellationToken);
            writer.Complete();
        }

        config.Save(context.OutputFolder);
        TokenizerWriter.WriteGenerationConfig(context.OutputFolder);
        if (location.TokenizerModel is { } tokenizer)
        {
            TokenizerWriter.WriteTokenizer(context.OutputFolder, tokenizer);
        }
        else
        {
            context.Logger.LogWarning("No tokenizer.model was found in or above {Folder}; the model folder has no tokenizer", location.Folder);
        }

        var seconds = Math.Max(context.TimeProvider.GetElapsedTime(started).TotalSeconds, 1e-6);
        return new ModelArtifact
        {
            Format = ModelFormat.HuggingFace,
            Parameters = model.Tensors.Sum(t => t.ElementCount),
            VocabularySize = config.VocabSize,
            Metrics = new Dictionary<string, double>
            {
                ["shards"] = model.ShardFiles.Count,
                ["tensors"] = model.Tensors.Count,
                ["bytes"] = bytes,
                ["seconds"] = seconds,
                ["megabytesPerSecond"] = bytes / 1e6 / seconds,
            },
        };
    }

    private static void ThrowIfTokenizerDoesNotFit(CheckpointLocation location, int rows)
    {
        if (location.TokenizerModel is { } file && SentencePieceModel.Load(file).Pieces.Count is var pieces && pieces != rows)
        {
            throw new AlpacaException($"{file} has {pieces} pieces, but the embedding in {location.Folder} has {rows} rows; put the tokenizer.model that belongs to these weights beside them.");
        }
    }

    private static RowTask CreateTask(TensorInfo tensor, MetaModel model, ShardedSafetensorsWriter writer)
    {
        var rowBytes = (int)(tensor.ByteLength / tensor.Shape[0]);
        return RowTask.For(tensor, model.BlockRows(tensor), chunk =>
        {
            var rows = chunk.Scratch.Get<byte>(0, chunk.Rows * rowBytes);
            model.Read(tensor, chunk.FirstRow * rowBytes, rows);
            writer.Write(tensor.Name, chunk.FirstRow * rowBytes, rows);
        });
    }
}
