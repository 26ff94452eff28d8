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

/// <summary>Options of the <c>train</c> stage.</summary>
public sealed record TrainRequest
{
    /// <summary>The base model's Hugging Face folder.</summary>
    [Required, ArtifactInput(ArtifactKinds.Model), Description("Base model folder")]
    public string ModelNameOrPath { get; init; } = "";

    /// <summary>The tokenizer's folder; when it has more pieces than the model has rows, the model is grown.</summary>
    [Required, ArtifactInput(ArtifactKinds.Tokenizer, ArtifactKinds.Model), Description("Tokenizer folder")]
    public string TokenizerNameOrPath { get; init; } = "";

    /// <summary>Folders whose <c>*.json</c> and <c>*.jsonl</c> files hold instruction data, or such files themselves.</summary>
    [Required, MinLength(1), PathInput, Description("Folders or files of instruction data")]
    public IReadOnlyList<string> DatasetDir { get; init; } = [];

    /// <summary>Instruction data for the validation loss. The default is none: no validation.</summary>
    [PathInput, Description("Instruction data for the validation loss")]
    public string? ValidationFile { get; init; }

    /// <summary>An adapter to go on from; its rank, alpha and targets win. The default is none: a new adapter.</summary>
    [PathInput, Description("Adapter folder to go on from")]
    public string? PeftPath { get; init; }

    /// <summary>A <c>.bin</c> or <c>.safetensors</c> file with starting values for LoRA's A matrices, under PEFT's names. The default is none: Kaiming-uniform values from <see cref="Seed"/>.</summary>
    [PathInput, Description("File with starting values of the LoRA A matrices")]
    public string? LoraInit { get; init; }

    /// <summary>LoRA rank r. The default is 8.</summary>
    [Range(1, 1024), Description("LoRA rank")]
    public int LoraRank { get; init; } = 8;

    /// <summary>LoRA alpha; the update is scaled by alpha / r. The default is 32.</summary>
    [Range(1e-3, 1e5), Description("LoRA alpha")]
    public double LoraAlpha { get; init; } = 32;

    /// <summary>Dropout before the A matrix, 0 to 1. The default is 0.05.</summary>
    [Range(0.0, 0.99), Description("LoRA dropout")]
    public double LoraDropout { get; init; } = 0.05;

    /// <summary>Whether the update is scaled by alpha / sqrt(r) instead of alpha / r (Kalajdzievski 2023, rsLoRA). The default is <see langword="false"/>.</summary>
    [Description("Rank-stabilised LoRA: scale by alpha / sqrt(rank)")]
    public bool UseRslora { get; init; }

    /// <summary>The learning rate of the B matrices as a multiple of <see cref="LearningRate"/> (Hayou et al. 2024, LoRA+, who take 16). The default is 1: the same.</summary>
    [Range(1e-3, 1e3), Description("LoRA+: learning rate of the B matrices as a multiple of the others'")]
    public double LoraPlusRatio { get; init; } = 1;

    /// <summary>The linear layers that get an adapter. The default is <c>q_proj,v_proj</c>.</summary>
    [Required, MinLength(1), Description("Linear layers with LoRA, comma separated")]
    public IReadOnlyList<string> LoraTrainable { get; init; } = ["q_proj", "v_proj"];

    /// <summary>Modules trained in full and saved with the adapter (<c>embed_tokens</c>, <c>lm_head</c>). The default is none.</summary>
    [Description("Modules trained in full: embed_tokens,lm_head")]
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>Peak learning rate. The default is 1e-4.</summary>
    [Range(0.0, 10.0), Description("Peak learning rate")]
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>Samples per forward pass. The default is 1.</summary>
    [Range(1, 65536), Description("Samples per forward pass")]
    public int BatchSize { get; init; } = 1;

    /// <summary>Forward passes per optimizer step. The default is 1.</summary>
    [Range(1, 65536), Description("Forward passes per optimizer step")]
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>Optimizer steps. The default is 0: as many as <see cref="Epochs"/> takes.</summary>
    [Range(0, int.MaxValue), Description("Optimizer steps; 0 trains by epochs")]
    public int TrainingSteps { get; init; }

    /// <summary>Passes over the data when <see cref="TrainingSteps"/> is 0. The default is 1.</summary>
    [Range(1, 100000), Description("Passes over the data when training-steps is 0")]
    public int Epochs { get; init; } = 1;

    /// <summary>Steps between validations; 0 validates only at the end. The default is 100.</summary>
    [Range(0, int.MaxValue), Description("Steps between validations")]
    public int EvalSteps { get; init; } = 100;

    /// <summary>Steps between checkpoints; 0 writes none. The default is 200.</summary>
    [Range(0, int.MaxValue), Description("Steps between checkpoints")]
    public int SaveSteps { get; init; } = 200;

    /// <summary>How many checkpoints are kept. The default is 3.</summary>
    [Range(1, 1000), Description("Checkpoints kept")]
    public int SaveTotalLimit { get; init; } = 3;

    /// <summary>Longest sample in tokens; <see cref="OverLong"/> says what becomes of longer ones. The default is 512.</summary>
    [Range(8, 1 << 20), Description("Longest sample in tokens")]
    public int MaxSeqLength { get; init; } = 512;

    /// <summary>What becomes of samples longer than <see cref="MaxSeqLength"/>. The default is <see cref="OverLongSamples.Truncate"/>, as in the original scripts.</summary>
    [Description("Samples longer than that: truncate, drop or fail")]
    public OverLongSamples OverLong { get; init; } = OverLongSamples.Truncate;

    /// <summary>Steps of linear warm-up. The default is 0.</summary>
    [Range(0, int.MaxValue), Description("Warm-up steps")]
    public int WarmupSteps { get; init; }

    /// <summary>Linear warm-up as a part of all steps, rounded up to whole steps; instead of <see cref="WarmupSteps"/>. The default is 0.</summary>
    [Range(0.0, 1.0), Description("Warm-up as a part of all steps, instead of warmup-steps")]
    public double WarmupRatio { get; init; }

    /// <summary>How the learning rate falls after the warm-up. The default is <see cref="LearningRateSchedule.Cosine"/>.</summary>
    [Description("cosine, linear or constant")]
    public LearningRateSchedule LrScheduler { get; init; } = LearningRateSchedule.Cosine;

    /// <summary>AdamW's decoupled weight decay. The default is 0.</summary>
    [Range(0.0, 10.0), Description("Weight decay")]
    public double WeightDecay { get; init; }

    /// <summary>The gradient's 2-norm is clipped to this; 0 does not clip. The default is 1.</summary>
    [Range(0.0, 1e6), Description("Gradient norm limit; 0 turns clipping off")]
    public double MaxGradNorm { get; init; } = 1.0;

    /// <summary>Steps between lines of <c>train_log.jsonl</c>. The default is 10; the first step is always logged.</summary>
    [Range(1, int.MaxValue), Description("Steps between log lines")]
    public int LoggingSteps { get; init; } = 10;

    /// <summary>Element type of the frozen base weights; adapters are float32. The default is <see cref="Precision.Fp32"/>.</summary>
    [Description("Element type of the frozen base weights: fp32, bf16 or fp16")]
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>Whether several samples share a row, each with its own positions and attention. The default is <see langword="false"/>.</summary>
    [Description("Put several samples into one row")]
    public bool Packing { get; init; }

    /// <summary>
    /// Answer tokens whose scores over the whole vocabulary are in memory at one time; the loss is the same for every value. The default is 256, which takes 50 MB with 50,000 pieces; 0
    /// takes all of a forward pass at once.
    /// </summary>
    [Range(0, 1 << 20), Description("Answer tokens scored at one time; 0 is all of a forward pass")]
    public int LossChunk { get; init; } = 256;

    /// <summary>Whether scores of the vocabulary are computed only for tokens with a label. The default is <see langword="true"/>; the loss is the same either way.</summary>
    [Description("Score only tokens with a label")]
    public bool LabelOnlyLogits { get; init; } = true;

    /// <summary>
    /// What the forward pass keeps for the backward pass: everything, or only the input of each block, which is then computed a second time. It changes memory and time, not results.
    /// The default is <see cref="ActivationCheckpointing.None"/>.
    /// </summary>
    [Description("none keeps all activations; block computes each layer twice and keeps only its input")]
    public ActivationCheckpointing ActivationCheckpointing { get; init; } = ActivationCheckpointing.None;

    /// <summary>Whether samples are shuffled, anew each epoch. The default is <see langword="true"/>.</summary>
    [Description("Shuffle the samples each epoch")]
    public bool Shuffle { get; init; } = true;

    /// <summary>
    /// Whether shuffled samples of similar length stand in one forward pass, which leaves little padding. The default is <see langword="true"/>; without shuffling, with packing or with
    /// one sample a pass it changes nothing.
    /// </summary>
    [Description("Put shuffled samples of similar length into one forward pass")]
    public bool GroupByLength { get; init; } = true;

    /// <summary>Seed of everything random: shuffling, dropout, new rows, LoRA's A. The default is 42.</summary>
    [Description("Random seed")]
    public int Seed { get; init; } = 42;

    /// <summary>The prompt template's name. The default is <c>alpaca</c>.</summary>
    [Description("Prompt template")]
    public string Template { get; init; } = "alpaca";

    /// <summary>The device: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>. The default is <c>cpu</c>.</summary>
    [Description("cpu, cuda or cuda:N")]
    public string Device { get; init; } = "cpu";
}

/// <summary>What the forward pass keeps for the backward pass.</summary>
public enum ActivationCheckpointing
{
    /// <summary>All activations.</summary>
    None,

    /// <summary>The input of each decoder layer; the rest is computed again when its gradient is needed.</summary>
    Block,
}

/// <summary>What becomes of samples that are too long.</summary>
public enum OverLongSamples
{
    /// <summary>They are cut at their end, and do not teach where their answer ends.</summary>
    Truncate,

    /// <summary>They are left out.</summary>
    Drop,

    /// <summary>They are an error that names the first of them.</summary>
    Fail,
}

/// <summary>How the learning rate moves after the warm-up.</summary>
public enum LearningRateSchedule
{
    /// <summary>Half a cosine down to 0.</summary>
    Cosine,

    /// <summary>A straight line down to 0.</summary>
    Linear,

    /// <summary>No change.</summary>
    Constant,
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
