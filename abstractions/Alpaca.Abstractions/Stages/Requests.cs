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

    /// <summary>Element type of the weights in the graph. The default is <see cref="Precision.Fp32"/>.</summary>
    [Description("Element type of the weights in the graph: fp32")]
    public Precision Precision { get; init; } = Precision.Fp32;
}

/// <summary>Options of the <c>evaluate</c> stage.</summary>
public sealed record EvaluateRequest
{
    /// <summary>The model's Hugging Face folder.</summary>
    [Required, ArtifactInput(ArtifactKinds.Model), Description("Model folder")]
    public string Model { get; init; } = "";

    /// <summary>Instruction data to measure on.</summary>
    [Required, PathInput, Description("Instruction data to measure on")]
    public string ValidationFile { get; init; } = "";

    /// <summary>Longest sample in tokens. The default is 512.</summary>
    [Range(8, 1 << 20), Description("Longest sample in tokens")]
    public int MaxSeqLength { get; init; } = 512;

    /// <summary>Samples per forward pass. The default is 8.</summary>
    [Range(1, 65536), Description("Samples per forward pass")]
    public int BatchSize { get; init; } = 8;

    /// <summary>The prompt template's name. The default is <c>alpaca</c>.</summary>
    [Description("Prompt template")]
    public string Template { get; init; } = "alpaca";

    /// <summary>The device: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>. The default is <c>cpu</c>.</summary>
    [Description("cpu, cuda or cuda:N")]
    public string Device { get; init; } = "cpu";
}
