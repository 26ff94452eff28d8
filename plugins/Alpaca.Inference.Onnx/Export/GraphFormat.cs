using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>In what form a model is exported: the types of activations and of each matrix, and whether adapters can be fed.</summary>
internal sealed class GraphFormat
{
    private const string Head = "lm_head";

    private readonly Dictionary<string, BlockFormat> _blocks = new(StringComparer.Ordinal);

    private GraphFormat(ExportRequest request, LlamaConfig config, IReadOnlyList<KeptLayers> kept)
    {
        Precision = request.Precision;
        Activations = (IsQuantized ? request.ActivationPrecision : request.Precision) == Precision.Fp16 ? OnnxType.Float16 : OnnxType.Float;
        AdapterInputs = request.AdapterInputs;
        if (!IsQuantized) return;
        foreach (var module in ModulesOf(config))
        {
            var precision = kept.FirstOrDefault(layers => layers.Match(module))?.Precision ?? DefaultFor(module, config);
            if (BitsOf(precision) is { } bits) _blocks.Add(module, new BlockFormat(bits, request.BlockSize, request.Symmetric));
        }
    }

    /// <summary>The precision of the matrices, but for those that are kept.</summary>
    public Precision Precision { get; }

    /// <summary>float32 or float16: the type between the layers, of the KV cache, and of the matrices that are not quantised.</summary>
    public OnnxType Activations { get; }

    /// <summary>Whether the graph has inputs for LoRA matrices.</summary>
    public bool AdapterInputs { get; }

    /// <summary>Whether matrices are quantised.</summary>
    public bool IsQuantized => BitsOf(Precision) is not null;

    /// <summary>The quantised layers.</summary>
    public IReadOnlyDictionary<string, BlockFormat> Blocks => _blocks;

    /// <summary>Reads the options.</summary>
    /// <exception cref="AlpacaUsageException">Options contradict each other or name no layer of the model; lists all of them.</exception>
    public static GraphFormat Of(ExportRequest request, LlamaConfig config)
    {
        var problems = new List<string>();
        if (request.Precision == Precision.Bf16)
            problems.Add("Precision bf16 cannot be exported: ONNX Runtime has no bfloat16 operators for CPUs; take fp32 (exact), or fp16 for GPUs");
        if (request.ActivationPrecision is not (Precision.Fp32 or Precision.Fp16))
            problems.Add($"ActivationPrecision is {Name(request.ActivationPrecision)}; it must be fp32 or fp16");
        if (request is { Precision: Precision.Fp32, ActivationPrecision: Precision.Fp16 })
            problems.Add("ActivationPrecision fp16 goes with the precisions int8 and int4; take the precision fp16 for a graph that is float16 throughout");
        if (request.BlockSize is not (16 or 32 or 64 or 128 or 256)) problems.Add($"BlockSize is {request.BlockSize}; it must be 16, 32, 64, 128 or 256");

        var kept = new List<KeptLayers>();
        if (request.KeepLayers.Count > 0 && BitsOf(request.Precision) is null) problems.Add("KeepLayers goes with the precisions int8 and int4; in others all layers are alike");
        else kept.AddRange(Kept(request, config, problems));
        return problems.Count == 0 ? new GraphFormat(request, config, kept) : throw new AlpacaUsageException(string.Join("; ", problems) + ".");
    }

    /// <summary>How a layer's matrix is quantised; <see langword="null"/> if it is not.</summary>
    public BlockFormat? Of(string module) => _blocks.GetValueOrDefault(module);

    /// <summary>Whether the head of a tied model is quantised. Where the embedding can be fed, it is not: what is fed must be the head, too.</summary>
    public bool TiedHeadIsQuantized(LlamaConfig config) => config.TieWordEmbeddings && Of(Head) is not null && !AdapterInputs;

    /// <summary>Whether embedding and head are one quantised matrix. The operator that looks up its rows knows no padded blocks.</summary>
    public bool SharesQuantizedTable(LlamaConfig config) => TiedHeadIsQuantized(config) && config.HiddenSize % Of(Head)!.BlockSize == 0;

    /// <summary>
    /// The type of an embedding that is not quantised. A lookup costs nothing, so beside quantised matrices it is float16: half the size, exact for weights that were float16, and everything that follows
    /// begins from it. A table that is the head, too, has the type that is multiplied with.
    /// </summary>
    public OnnxType TableType(LlamaConfig config)
        => IsQuantized && (!config.TieWordEmbeddings || TiedHeadIsQuantized(config)) ? OnnxType.Float16 : Activations;

    /// <summary>The bits of a quantised precision.</summary>
    public static int? BitsOf(Precision precision) => precision switch
    {
        Precision.Int8 => 8,
        Precision.Int4 => 4,
        _ => null,
    };

    private static IEnumerable<KeptLayers> Kept(ExportRequest request, LlamaConfig config, List<string> problems)
    {
        var otherwise = request.Precision == Precision.Int4 ? Precision.Int8 : request.ActivationPrecision;
        foreach (var text in request.KeepLayers)
        {
            var (layers, problem) = KeptLayers.Parse(text, otherwise);
            if (layers is null) problems.Add($"KeepLayers: {problem}");
            else if (BitsOf(layers.Precision) is null && layers.Precision != request.ActivationPrecision)
                problems.Add($"KeepLayers: '{text}' must be {Name(request.ActivationPrecision)}, the activations' precision, or int8 or int4");
            else if (!ModulesOf(config).Any(layers.Match))
                problems.Add($"KeepLayers: '{text}' is no layer of the model; layers are {Head} and {LlamaTensorNames.Module(0, "q_proj")}, which q_proj, self_attn and layers.0 mean, too");
            else yield return layers;
        }
    }

    // A tied table is where every token starts and ends, and small models have it: in 4 bits it costs them most.
    private Precision DefaultFor(string module, LlamaConfig config)
        => module == Head && config.TieWordEmbeddings && Precision == Precision.Int4 ? Precision.Int8 : Precision;

    private static IEnumerable<string> ModulesOf(LlamaConfig config) =>
        Enumerable.Range(0, config.NumHiddenLayers).SelectMany(layer => LlamaTensorNames.Projections.Select(projection => LlamaTensorNames.Module(layer, projection))).Append(Head);

    private static string Name(Precision precision) => precision.ToString().ToLowerInvariant();
}
