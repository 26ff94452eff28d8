using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Alpaca.Abstractions;

/// <summary>Options of the <c>download</c> stage.</summary>
/// <remarks>
/// <para>What a file is checked against, and what decides:</para>
/// <list type="bullet">
/// <item>Where the source has an MD5 list (<c>checklist.chk</c>, <c>tokenizer_checklist.chk</c>), the list decides. Llama 2's files have the names of LLaMA's and other content.</item>
/// <item>A file that has, besides, the published SHA-256 of LLaMA's 7B, 13B, 30B (also called 33B) or 65B is counted as genuine in the metrics and the log.</item>
/// <item>Without an MD5 list those SHA-256 are enough, and a file of these sizes that has another one is an error. A size that is not known needs an MD5 list.</item>
/// <item>Files of a Hugging Face repository are checked against the digests in its listing, at one commit.</item>
/// </list>
/// </remarks>
public sealed record DownloadRequest
{
    /// <summary>
    /// Where the files are: a local folder, a <c>file://</c>, <c>http://</c> or <c>https://</c> base address, an address with one <c>*</c> that stands for the
    /// relative file name (Meta's presigned form), or <c>hf:owner/name</c> for a repository of the Hugging Face hub.
    /// </summary>
    /// <remarks>
    /// The hub is the one that the environment variable <c>HF_ENDPOINT</c> names, by default <c>https://huggingface.co</c>; a token is read from <c>HF_TOKEN</c>,
    /// <c>HUGGING_FACE_HUB_TOKEN</c> or the file that <c>HF_TOKEN_PATH</c> names, and is sent to that hub only.
    /// </remarks>
    [Required, PathInput(AllowUrl = true), Description("Folder, file:// or http(s):// base address, a presigned address with * for the file name, or hf:owner/name")]
    public string Source { get; init; } = "";

    /// <summary>
    /// The size folders to fetch, for example <c>7B,13B</c>; needed for all sources but <c>hf:</c>, which has none. LLaMA's 7B, 13B, 30B and 65B have 1, 2, 4 and 8
    /// shards; any other size must come with a <c>checklist.chk</c>. With <see cref="VerifyOnly"/> the default is every size there is.
    /// </summary>
    [Description("Sizes to fetch, comma separated: 7B,13B,30B,65B; not for hf:")]
    public IReadOnlyList<string> ModelSize { get; init; } = [];

    /// <summary>The branch, tag or commit of an <c>hf:</c> source. The commit it stands for is found once, and all files are taken from that one. The default is <c>main</c>.</summary>
    [Description("Branch, tag or commit of an hf: source")]
    public string Revision { get; init; } = "main";

    /// <summary>
    /// Which files of an <c>hf:</c> source to fetch: names with <c>*</c> (any characters, <c>/</c> too) and <c>?</c>. The default is what a model folder needs: the
    /// configuration, the tokenizer, and the weights as safetensors or, where there are none, as <c>.bin</c>. <c>original/*</c> gives Meta's format where a repository has it.
    /// </summary>
    [Description("Files of an hf: source to fetch instead of the usual ones, for example original/*")]
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>How many files are fetched at a time, from 1 to 32. The default is 4.</summary>
    [Range(1, 32), ResultNeutral, Description("Files fetched at a time")]
    public int ParallelDownloads { get; init; } = 4;

    /// <summary>
    /// Whether nothing is fetched: the files of a local folder (an earlier download too) are checked, and the output is a report, <c>verification.json</c>. A file
    /// that is missing or has another digest is an error, all of them at once. The default is <see langword="false"/>.
    /// </summary>
    [Description("Only check the files of a local folder, and write a report")]
    public bool VerifyOnly { get; init; }
}

/// <summary>Options of the <c>convert</c> stage: original weights to a Hugging Face folder, either back, or either rewritten.</summary>
public sealed record ConvertRequest
{
    /// <summary>
    /// The folder with <c>tokenizer.model</c> and the size folders, a folder that holds <c>params.json</c> itself, or a Hugging Face folder (<c>config.json</c> and safetensors or
    /// <c>.bin</c> files).
    /// </summary>
    [Required, ArtifactInput(ArtifactKinds.Weights, ArtifactKinds.Model), Description("Folder of the weights, original or Hugging Face's")]
    public string InputDir { get; init; } = "";

    /// <summary>
    /// The size folder below <see cref="InputDir"/>. The default is none: <see cref="InputDir"/> holds the model itself, or has exactly one size folder. A size of Meta's
    /// (<c>7B</c>, <c>13B</c>, <c>30B</c>, <c>65B</c>, <c>70B</c>, ...) must also be the model's: its width and number of layers are held against the name.
    /// </summary>
    [Description("Size, and folder below the input folder: 7B, 13B, 30B, 65B")]
    public string? ModelSize { get; init; }

    /// <summary>
    /// The generation of LLaMA that original weights are of: <c>1</c>, <c>2</c> (also Code Llama), <c>3</c>, <c>3.1</c> (also 3.3) or <c>3.2</c>. It decides the context length, the
    /// ids of the special tokens and, for scaled positions, the factor. The default is <c>auto</c>: told by the shapes, <c>params.json</c> and the tokenizer.
    /// </summary>
    [Required, AllowedValues("auto", "1", "2", "3", "3.1", "3.2", ErrorMessage = "{0} must be auto, 1, 2, 3, 3.1 or 3.2."), Description("auto, 1, 2, 3, 3.1 or 3.2")]
    public string LlamaVersion { get; init; } = "auto";

    /// <summary>The layout to write. The default is <see cref="ModelFormat.HuggingFace"/>.</summary>
    [Description("huggingface or pth")]
    public ModelFormat OutputType { get; init; }

    /// <summary>How many <c>consolidated.NN.pth</c> to write with <see cref="ModelFormat.Pth"/>. The default is none: as many as Meta's model of that width has.</summary>
    [Range(1, 1024), Description("Shards to write with the output type pth")]
    public int? NumShards { get; init; }
}

/// <summary>Options of the <c>merge-tokenizers</c> stage.</summary>
public sealed record MergeTokenizersRequest
{
    /// <summary>The folder that holds the base <c>tokenizer.model</c>.</summary>
    [Required, ArtifactInput(ArtifactKinds.Model, ArtifactKinds.Weights, ArtifactKinds.Tokenizer), Description("Folder with LLaMA's tokenizer.model")]
    public string LlamaTokenizerDir { get; init; } = "";

    /// <summary>The SentencePiece models whose pieces are added, one after the other; they may be of any kind.</summary>
    [Required, MinLength(1), PathInput, Description("SentencePiece models whose pieces are added")]
    public IReadOnlyList<string> ChineseSpModelFile { get; init; } = [];

    /// <summary>Further pieces to add after those of the models; <c>▁</c> stands for a space. The default is none.</summary>
    [Description("Further pieces to add, ▁ for a space")]
    public IReadOnlyList<string> ExtraPieces { get; init; } = [];

    /// <summary>A UTF-8 file with further pieces, one a line, added after <see cref="ExtraPieces"/>. The default is none.</summary>
    [PathInput, Description("File with further pieces to add, one a line")]
    public string? ExtraPiecesFile { get; init; }

    /// <summary>A padding piece to append after the merge (<c>[PAD]</c> makes Chinese-Alpaca's 49,954 pieces). The default is none.</summary>
    [Description("Padding piece to append, for example [PAD]")]
    public string? PadToken { get; init; }

    /// <summary>Whether the padding piece goes before all added pieces, as <c>&lt;pad&gt;</c> of Chinese-LLaMA-2, and not after them. The default is <see langword="false"/>.</summary>
    [Description("Put the padding piece before the added pieces, as Chinese-LLaMA-2 does")]
    public bool PadFirst { get; init; }

    /// <summary>
    /// The prompt template that other programs find in <c>tokenizer_config.json</c>: <c>alpaca</c>, <c>alpaca-inference</c>, <c>llama2</c>, <c>llama3</c>, or <c>none</c>. The default is <c>alpaca</c>.
    /// </summary>
    [Required, Description("Prompt template for other programs: alpaca, alpaca-inference, llama2, llama3 or none")]
    public string ChatTemplate { get; init; } = "alpaca";

    /// <summary>A UTF-8 text on which <c>merge_report.json</c> compares the tokenizers. The default is the original script's test text.</summary>
    [PathInput, Description("Text on which the report compares the tokenizers")]
    public string? ReportText { get; init; }
}

/// <summary>Element types of weights in memory or in an exported graph.</summary>
public enum Precision
{
    /// <summary>32-bit floating point.</summary>
    Fp32,

    /// <summary>16-bit brain floating point.</summary>
    Bf16,

    /// <summary>16-bit IEEE floating point.</summary>
    Fp16,

    /// <summary>8-bit integers with a scale per block.</summary>
    Int8,

    /// <summary>4-bit integers with a scale per block.</summary>
    Int4,
}

/// <summary>Options of the <c>merge</c> stage.</summary>
public sealed record MergeRequest
{
    /// <summary>The base model's Hugging Face folder.</summary>
    [Required, ArtifactInput(ArtifactKinds.Model), Description("Base model folder")]
    public string BaseModel { get; init; } = "";

    /// <summary>The adapters, merged in this order.</summary>
    [Required, MinLength(1), ArtifactInput(ArtifactKinds.Adapter), Description("Adapter folders, in the order they are merged")]
    public IReadOnlyList<string> LoraModel { get; init; } = [];

    /// <summary>A tokenizer folder for each adapter, by position. The default is none: each adapter's own folder.</summary>
    [PathInput, Description("Tokenizer folder of each adapter, by position")]
    public IReadOnlyList<string> TokenizerPath { get; init; } = [];

    /// <summary>The layout to write. The default is <see cref="ModelFormat.HuggingFace"/>.</summary>
    [Description("huggingface or pth")]
    public ModelFormat OutputType { get; init; }

    /// <summary>
    /// Whether the logits of the merged model are held against those of base and adapters on a probe prompt before the result is published. The default is
    /// <see langword="true"/>; it costs a few floating point operations for each weight.
    /// </summary>
    [Description("Hold the logits of the merged model against those of base and adapters")]
    public bool Verify { get; init; } = true;
}

/// <summary>Options of the <c>export</c> stage.</summary>
public sealed record ExportRequest
{
    /// <summary>The model's Hugging Face folder.</summary>
    [Required, ArtifactInput(ArtifactKinds.Model), Description("Model folder")]
    public string Model { get; init; } = "";

    /// <summary>
    /// How the matrices are stored. <see cref="Precision.Fp32"/>, the default, is exact. <see cref="Precision.Fp16"/> is for GPUs. <see cref="Precision.Int8"/> and <see cref="Precision.Int4"/> have a scale for each
    /// <see cref="BlockSize"/> neighbours and are smaller and faster everywhere. <see cref="Precision.Bf16"/> is not supported.
    /// </summary>
    [Description("How matrices are stored: fp32, fp16, int8 or int4")]
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>int8, int4: how many neighbours share a scale: 16, 32, 64, 128 or 256. Larger blocks make a smaller, less exact model. The default is 32.</summary>
    [AllowedValues(16, 32, 64, 128, 256, ErrorMessage = "{0} must be 16, 32, 64, 128 or 256."), Description("Weights that share a scale (int8, int4): 16, 32, 64, 128 or 256")]
    public int BlockSize { get; init; } = 32;

    /// <summary>int8, int4: whether blocks have no zero point. The default is <see langword="true"/>, which GPUs are fastest with; <see langword="false"/> is a little more exact and larger.</summary>
    [Description("Blocks without zero points (int8, int4)")]
    public bool Symmetric { get; init; } = true;

    /// <summary>
    /// int8, int4: layers in another precision: whole words of their names, <c>lm_head</c>, <c>layers.0</c>, <c>down_proj</c>, <c>layers.*.self_attn</c>, each alone, which is int8 beside int4 and
    /// <see cref="ActivationPrecision"/> beside int8, or with a precision, <c>lm_head=fp32</c>. The first that fits a layer decides. The default is none; the head of a model with tied embeddings is then int8 beside int4.
    /// </summary>
    [Description("Layers in a higher precision (int8, int4): lm_head,layers.0,down_proj=fp32")]
    public IReadOnlyList<string> KeepLayers { get; init; } = [];

    /// <summary>int8, int4: the type of activations, KV cache and matrices that are not quantised: <see cref="Precision.Fp32"/>, the default, for CPUs, or <see cref="Precision.Fp16"/> for GPUs.</summary>
    [Description("Activations beside int8 and int4: fp32 for CPUs, fp16 for GPUs")]
    public Precision ActivationPrecision { get; init; } = Precision.Fp32;

    /// <summary>Whether the graph has inputs for LoRA matrices, so that one loaded model serves several adapters; a little slower without one. The default is <see langword="false"/>.</summary>
    [Description("Give the graph inputs for adapters")]
    public bool AdapterInputs { get; init; }

    /// <summary>
    /// Whether the exported graph is run on a probe prompt and its logits are held against those computed from the model's own weights; the differences go to <c>export_report.json</c>, and where they are more
    /// than rounding explains nothing is published. The default is to do it where the exported weights take up to 1 GB, which takes seconds; the graph is loaded for it and must fit into memory.
    /// </summary>
    [Description("Hold the exported graph's logits against the model's; by default for models up to 1 GB")]
    public bool? Verify { get; init; }
}
