using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Host;

/// <summary>Writes weights of a real model's shape and type whose values come from a seed: the same bytes on every machine.</summary>
/// <remarks>Norms are 1 and everything else is nearly normal with deviation 0.02, as in a model before training, so that a forward pass through any number of layers stays finite.</remarks>
internal sealed class SyntheticWeights(WeightShape shape, ulong seed, IStageProgress progress, CancellationToken cancellationToken)
{
    private const int Rank = 8;
    private const double Alpha = 32;
    private const float Deviation = 0.02f;

    /// <summary>Writes an original checkpoint: <c>consolidated.NN.pth</c> and <c>params.json</c>.</summary>
    /// <param name="folder">The folder; it exists.</param>
    /// <param name="isSparse">Whether all values are zero and take no room on the disk.</param>
    public void WriteCheckpoint(string folder, bool isSparse)
    {
        TensorInfo[] tensors = [.. LlamaTensorNames.Describe(shape.Config)];
        using (var writer = new MetaModelWriter(folder, shape.Config, tensors, shape.Shards, isSparse: isSparse))
        {
            Write($"{shape.Name} checkpoint", writer, writer.BlockRows, isSparse);
        }

        File.WriteAllText(Path.Combine(folder, MetaParameters.FileName), MetaLayout.ParametersOf(shape.Config).ToJson());
    }

    /// <summary>Writes a Hugging Face model: safetensors and <c>config.json</c>.</summary>
    /// <param name="folder">The folder; it exists.</param>
    public void WriteModel(string folder)
    {
        using (var writer = new ShardedSafetensorsWriter(folder, [.. LlamaTensorNames.Describe(shape.Config)]))
        {
            Write($"{shape.Name} model", writer, _ => 1, isZero: false);
        }

        shape.Config.Save(folder);
    }

    /// <summary>Writes a float16 LoRA adapter: rank 8 on all projections, embedding and output layer at the grown vocabulary.</summary>
    /// <param name="folder">The folder; it exists.</param>
    public void WriteAdapter(string folder)
    {
        var config = shape.Config;
        var grown = LlamaTensorNames.Describe(config with { VocabSize = shape.GrownVocabulary }).ToDictionary(t => t.Name, StringComparer.Ordinal);
        List<TensorInfo> tensors = [];
        for (var layer = 0; layer < config.NumHiddenLayers; layer++)
        {
            foreach (var projection in LlamaTensorNames.Projections)
            {
                var weight = grown[LlamaTensorNames.Projection(layer, projection)];
                var module = LlamaTensorNames.Module(layer, projection);
                tensors.Add(new TensorInfo(PeftAdapter.TensorNameFor(module, "A"), DType.Float16, [Rank, weight.Shape[1]]));
                tensors.Add(new TensorInfo(PeftAdapter.TensorNameFor(module, "B"), DType.Float16, [weight.Shape[0], Rank]));
            }
        }

        foreach (var name in (string[])[LlamaTensorNames.EmbedTokens, LlamaTensorNames.LmHead])
        {
            tensors.Add(grown[name] with { Name = PeftAdapter.TensorNameForSaved(name) });
        }

        using (var writer = new SafetensorsWriter(Path.Combine(folder, PeftAdapter.WeightsName), tensors))
        {
            Write($"{shape.Name} adapter", writer, _ => 1, isZero: false);
        }

        new LoraConfig { R = Rank, LoraAlpha = Alpha, TargetModules = LlamaTensorNames.Projections, ModulesToSave = ["embed_tokens", "lm_head"] }.Save(folder);
    }

    private void Write(string what, ITensorWriter writer, Func<TensorInfo, int> blockRows, bool isZero)
    {
        using var task = progress.Start(what, writer.Tensors.Sum(t => t.ByteLength), ProgressUnit.Bytes);
        RowPipeline.Run(writer.Tensors.Index().Select(t => RowTask.For(t.Item, blockRows(t.Item), chunk =>
        {
            var elements = (int)(chunk.Rows * (t.Item.ElementCount / t.Item.Shape[0]));
            var bytes = chunk.Scratch.Get<byte>(0, elements * t.Item.DType.Size());
            if (isZero)
            {
                bytes.Clear();
            }
            else
            {
                var values = chunk.Scratch.Get<float>(1, elements);
                Fill(values, t.Item.Shape.Count == 1, new SplitMix64(seed ^ ((ulong)t.Index << 40) ^ (ulong)chunk.FirstRow));
                TensorConversion.FromFloat32(t.Item.DType, values, bytes);
            }

            writer.Write(t.Item.Name, chunk.FirstRow * (bytes.Length / chunk.Rows), bytes);
        })), task, cancellationToken);
        writer.Complete();
    }

    // The sum of four even bytes has a deviation of 147.8 around 510.
    private static void Fill(Span<float> values, bool isNorm, SplitMix64 random)
    {
        if (isNorm)
        {
            values.Fill(1);
            return;
        }

        for (var i = 0; i < values.Length; i++)
        {
            var bits = (uint)random.Next();
            values[i] = ((int)((bits & 0xff) + ((bits >> 8) & 0xff) + ((bits >> 16) & 0xff) + (bits >> 24)) - 510) * (Deviation / 147.8f);
        }
    }

    /// <summary>SplitMix64 (Steele, Lea and Flood 2014): a stream of its own for every seed, at any place.</summary>
    private struct SplitMix64(ulong seed)
    {
        private ulong _state = seed * 0x9E3779B97F4A7C15;

        public ulong Next()
        {
            var z = _state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
