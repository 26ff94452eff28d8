using Alpaca.Formats;

namespace Alpaca.TestSupport;

/// <summary>LoRA adapters with weights made from a seed.</summary>
internal static class RandomAdapter
{
    /// <summary>Writes an adapter of all projections of a model.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="config">The model.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="rank">The rank; the scale is 2 whatever the rank.</param>
    /// <param name="saved">Modules saved whole: <c>embed_tokens</c>, <c>lm_head</c>.</param>
    /// <param name="vocabulary">Rows of those.</param>
    public static void Write(string folder, LlamaConfig config, int seed, int rank = 4, string[]? saved = null, int? vocabulary = null)
    {
        var random = new Random(seed);
        var tensors = new List<TensorInfo>();
        foreach (var tensor in LlamaTensorNames.Describe(config))
        {
            var module = tensor.Name[..^".weight".Length];
            var kind = module[(module.LastIndexOf('.') + 1)..];
            if (LlamaTensorNames.Projections.Contains(kind))
            {
                tensors.Add(new TensorInfo(PeftAdapter.TensorNameFor(module, "A"), DType.Float32, [rank, tensor.Shape[1]]));
                tensors.Add(new TensorInfo(PeftAdapter.TensorNameFor(module, "B"), DType.Float32, [tensor.Shape[0], rank]));
            }
        }

        foreach (var module in saved ?? [])
        {
            var name = module == "lm_head" ? LlamaTensorNames.LmHead : LlamaTensorNames.EmbedTokens;
            tensors.Add(new TensorInfo(PeftAdapter.TensorNameForSaved(name), DType.Float32, [vocabulary ?? config.VocabSize, config.HiddenSize]));
        }

        Directory.CreateDirectory(folder);
        new LoraConfig { R = rank, LoraAlpha = 2 * rank, TargetModules = [.. LlamaTensorNames.Projections], ModulesToSave = saved ?? [] }.Save(folder);
        using var writer = new SafetensorsWriter(Path.Combine(folder, PeftAdapter.WeightsName), tensors);
        foreach (var tensor in tensors) Write(writer, tensor.Name, [.. Enumerable.Range(0, (int)tensor.ElementCount).Select(_ => 0.2f * (random.NextSingle() - 0.5f))]);
        writer.Complete();
    }

    /// <summary>Writes the model that base and adapter are together: W + 2 B A.</summary>
    public static void Merge(string baseFolder, string adapterFolder, string folder)
    {
        using var model = HuggingFaceModel.Open(baseFolder);
        using var adapter = PeftAdapter.Open(adapterFolder);
        Directory.CreateDirectory(folder);
        model.Config.Save(folder);
        using var writer = new ShardedSafetensorsWriter(folder, [.. LlamaTensorNames.Describe(model.Config).Select(tensor => new TensorInfo(tensor.Name, DType.Float32, tensor.Shape))]);
        foreach (var tensor in writer.Tensors)
        {
            var values = adapter.SavedModules.TryGetValue(tensor.Name, out var saved)
                ? adapter.Tensors.ReadAsFloat32(saved)
                : model.Tensors.ReadAsFloat32(model.Tensors.Find(tensor.Name)!);
            if (adapter.Pairs.TryGetValue(tensor.Name[..^".weight".Length], out var pair))
            {
                var (a, b) = (adapter.Tensors.ReadAsFloat32(pair.A), adapter.Tensors.ReadAsFloat32(pair.B));
                var (rank, columns) = ((int)pair.A.Shape[0], (int)pair.A.Shape[1]);
                for (var i = 0; i < values.Length; i++)
                    values[i] += (float)(2 * Enumerable.Range(0, rank).Sum(k => (double)b[(i / columns * rank) + k] * a[(k * columns) + (i % columns)]));
            }

            Write(writer, tensor.Name, values);
        }

        writer.Complete();
    }

    private static void Write(ITensorWriter writer, string name, float[] values)
    {
        var bytes = new byte[values.Length * sizeof(float)];
        TensorConversion.FromFloat32(DType.Float32, values, bytes);
        writer.Write(name, 0, bytes);
    }
}
