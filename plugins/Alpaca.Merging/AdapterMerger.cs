using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.Extensions.Logging;

namespace Alpaca.Merging;

/// <summary>Merges LoRA adapters into their base model, tensor by tensor: W' = W + scaling · B · A, and modules saved whole replace the base's.</summary>
/// <remarks>
/// The update is computed in float32 and rounded once per adapter to the base's type, so merging two adapters at once gives the bits of merging them one after the other.
/// Semantics of <c>merge_llama_with_chinese_lora.py</c> for any number of adapters and any base type; memory use does not depend on the model's size.
/// </remarks>
public sealed class AdapterMerger : IAdapterMerger, IPlanningStage<MergeRequest>
{
    private const string GenerationConfig = "generation_config.json";

    /// <inheritdoc />
    public Task<ModelArtifact> ExecuteAsync(MergeRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        return Task.FromResult(Merge(request, context, cancellationToken));
    }

    /// <inheritdoc />
    public StagePlan Plan(MergeRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var plan = MergePlan.Create(request);
        return new StagePlan { Steps = [.. plan.Describe(request)], OutputBytes = plan.OutputBytes, MemoryBytes = plan.MemoryBytes };
    }

    private static ModelArtifact Merge(MergeRequest request, StageContext context, CancellationToken cancellationToken)
    {
        var started = context.TimeProvider.GetTimestamp();
        using var plan = MergePlan.Create(request);
        DiskRoom.Require(context.OutputFolder, plan.OutputBytes, "the merged model");
        foreach (var adapter in plan.Adapters)
        {
            context.Logger.LogInformation(
                "Merging {Folder}: {Pairs} layers with scaling {Scaling}, {Saved} modules saved whole", adapter.Folder, adapter.Pairs.Count, adapter.Scaling, adapter.SavedModules.Count);
        }

        VerificationResult? verification;
        try
        {
            verification = request.OutputType == ModelFormat.Pth
                ? WriteMeta(plan, request.Verify, context, cancellationToken)
                : WriteHuggingFace(plan, request.Verify, context, cancellationToken);
            ThrowIfNothingChanged(plan, request);
            WriteTokenizer(plan, context);
            MergeReport.Of(plan, verification).Write(context.OutputFolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"The merged model cannot be written to {context.OutputFolder} ({e.Message}); make room on the disk or choose another folder.", e);
        }

        var seconds = Math.Max(context.TimeProvider.GetElapsedTime(started).TotalSeconds, 1e-6);
        var metrics = new Dictionary<string, double>
        {
            ["adapters"] = plan.Adapters.Count,
            ["tensors"] = plan.Tensors.Count,
            ["tensorsChanged"] = plan.Tensors.Count(t => t.IsChanged),
            ["bytes"] = plan.OutputBytes,
            ["seconds"] = seconds,
            ["megabytesPerSecond"] = plan.OutputBytes / 1e6 / seconds,
        };
        if (verification is not null)
        {
            metrics["verifiedLogitDifference"] = verification.LargestDifference;
            metrics["verifiedLargestLogit"] = verification.LargestLogit;
            metrics["verifiedTolerance"] = verification.Tolerance;
        }

        return new ModelArtifact
        {
            Format = request.OutputType,
            Parameters = plan.Tensors.Sum(t => t.Info.ElementCount),
            VocabularySize = plan.Config.VocabSize,
            Metrics = metrics,
        };
    }

    private static void ThrowIfNothingChanged(MergePlan plan, MergeRequest request)
    {
        if (!plan.Tensors.Any(t => t.IsChanged))
        {
            throw new AlpacaException(
                $"Merging {string.Join(", ", request.LoraModel)} changes nothing in {request.BaseModel}: the adapters are untrained (B is zero) or their updates vanish in rounding; check that training went well.");
        }
    }

    private static VerificationResult? WriteHuggingFace(MergePlan plan, bool verify, StageContext context, CancellationToken cancellationToken)
    {
        using var writer = new ShardedSafetensorsWriter(context.OutputFolder, [.. plan.Tensors.Select(t => t.Info)]);
        var verification = WriteWeights(plan, writer, _ => 1, verify, context, cancellationToken);
        plan.Config.Save(context.OutputFolder);
        var generationConfig = Path.Combine(plan.Model.Folder, GenerationConfig);
        if (File.Exists(generationConfig))
        {
            File.WriteAllBytes(Path.Combine(context.OutputFolder, GenerationConfig), File.ReadAllBytes(generationConfig));
        }

        return verification;
    }

    private static VerificationResult? WriteMeta(MergePlan plan, bool verify, StageContext context, CancellationToken cancellationToken)
    {
        using var writer = new MetaModelWriter(context.OutputFolder, plan.Config, [.. plan.Tensors.Select(t => t.Info)], MetaLayout.ShardCount(plan.Config));
        var verification = WriteWeights(plan, writer, writer.BlockRows, verify, context, cancellationToken);
        File.WriteAllText(Path.Combine(context.OutputFolder, MetaParameters.FileName), MetaLayout.ParametersOf(plan.Config).ToJson());
        MetaChecklist.Write(context.OutputFolder, [.. writer.FileNames, MetaParameters.FileName], context.Progress, cancellationToken);
        return verification;
    }

    private static VerificationResult? WriteWeights(
        MergePlan plan, ITensorWriter writer, Func<TensorInfo, int> blockRows, bool verify, StageContext context, CancellationToken cancellationToken)
    {
        using var progress = context.Progress.Start("merging", plan.OutputBytes, ProgressUnit.Bytes);
        var pass = new MergePass(plan, writer, blockRows, progress, cancellationToken);
        VerificationResult? result = null;
        if (verify)
        {
            var verification = new MergeVerification(plan, writer);
            pass.WriteAndVerify(verification);
            result = verification.Conclude();
        }
        else
        {
            pass.Write();
        }

        writer.Complete();
        return result;
    }

    private static void WriteTokenizer(MergePlan plan, StageContext context)
    {
        if (plan.TokenizerFolder is { } folder)
        {
            TokenizerFiles.Copy(folder, context.OutputFolder);
        }
        else
        {
            context.Logger.LogWarning("Neither the last adapter nor the base model has a tokenizer; the merged model has none");
        }
    }
}
