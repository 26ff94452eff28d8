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
        using var checkpoint = MetaCheckpoint.Open(location);
        var embedding = checkpoint.Embedding.Info;
        ThrowIfTokenizerDoesNotFit(location, (int)embedding.Shape[0]);
        var config = LlamaConfiguration.Of(checkpoint, (int)embedding.Shape[0], checkpoint.FeedForwardDim, embedding.DType);
        var bytes = checkpoint.Tensors.Sum(t => t.Info.ByteLength);
        context.Logger.LogInformation(
            "Converting {Folder}: {Shards} shards, {Tensors} tensors, {Megabytes:F0} MB", location.Folder, location.Shards.Count, checkpoint.Tensors.Count, bytes / 1e6);

        using (var writer = new ShardedSafetensorsWriter(context.OutputFolder, [.. checkpoint.Tensors.Select(t => t.Info)]))
        using (var progress = context.Progress.Start(location.SizeName, bytes, ProgressUnit.Bytes))
        {
            RowPipeline.Run(checkpoint.Tensors.Select(t => CreateTask(t, config.HeadDim, writer)), progress, cancellationToken);
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
            Parameters = checkpoint.Tensors.Sum(t => t.Info.ElementCount),
            VocabularySize = config.VocabSize,
            Metrics = new Dictionary<string, double>
            {
                ["shards"] = location.Shards.Count,
                ["tensors"] = checkpoint.Tensors.Count,
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

    private static RowTask CreateTask(ShardedTensor tensor, int headDim, ShardedSafetensorsWriter writer)
    {
        var isRotated = tensor.Rotation != MetaRotation.None;
        var rowBytes = (int)(tensor.Info.ByteLength / tensor.Info.Shape[0]);
        return RowTask.For(tensor.Info, isRotated ? headDim : 1, chunk =>
        {
            var rows = chunk.Scratch.Get<byte>(ScratchSlot.Rows, chunk.Rows * rowBytes);
            tensor.ReadRows(chunk, rows);
            if (isRotated)
            {
                var permuted = chunk.Scratch.Get<byte>(ScratchSlot.Permuted, rows.Length);
                RotaryPermutation.PairsToHalves(rows, permuted, headDim, rowBytes);
                rows = permuted;
            }

            writer.Write(tensor.Info.Name, chunk.FirstRow * rowBytes, rows);
        });
    }
}
