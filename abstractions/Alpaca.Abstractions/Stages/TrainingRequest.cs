using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Alpaca.Abstractions;

/// <summary>What the options of <c>train</c> and <c>pretrain</c> have in common: model, adapter, optimiser, memory, logs.</summary>
public abstract record TrainingRequest
{
    /// <summary>The base model's Hugging Face folder.</summary>
    [Required, ArtifactInput(ArtifactKinds.Model), Description("Base model folder")]
    public string ModelNameOrPath { get; init; } = "";

    /// <summary>The tokenizer's folder; when it has more pieces than the model has rows, the model is grown.</summary>
    [Required, ArtifactInput(ArtifactKinds.Tokenizer, ArtifactKinds.Model), Description("Tokenizer folder")]
    public string TokenizerNameOrPath { get; init; } = "";

    /// <summary>An adapter to go on from; its rank, alpha and targets win. The default is none: a new adapter.</summary>
    [ArtifactInput(ArtifactKinds.Adapter, Explicit = true), Description("Adapter folder to go on from")]
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

    /// <summary>The linear layers that get an adapter, any of the seven projections; <c>all-linear</c> is all of them. The default is <c>q_proj,v_proj</c>.</summary>
    [Required, MinLength(1), Description("Linear layers with LoRA, comma separated, or all-linear")]
    public IReadOnlyList<string> LoraTrainable { get; init; } = ["q_proj", "v_proj"];

    /// <summary>Modules trained in full and saved with the adapter (<c>embed_tokens</c>, <c>lm_head</c>). The default is none.</summary>
    [Description("Modules trained in full: embed_tokens,lm_head")]
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>
    /// Which rows of <see cref="ModulesToSave"/> are trained: all, or only those that the tokenizer adds to the base model. With the latter the base's own rows stay as they are, in
    /// <see cref="Precision"/>, and gradient, moments and float32 values exist for the new rows alone. The adapter holds whole matrices either way; a checkpoint holds the trained rows, so it
    /// cannot be merged by itself. The default is <see cref="TrainableRows.All"/>.
    /// </summary>
    [Description("Rows of the modules to save that are trained: all, or the new ones that the tokenizer adds")]
    public TrainableRows TrainableRows { get; init; } = TrainableRows.All;

    /// <summary>How rows start that the tokenizer adds to the base model. The default is <see cref="NewRowInit.Normal"/>, as in the original scripts.</summary>
    [Description("Start of rows that the tokenizer adds: normal (0, 0.02) or the mean of the old rows")]
    public NewRowInit NewRowInit { get; init; } = NewRowInit.Normal;

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
    [ResultNeutral, Range(0, int.MaxValue), Description("Steps between checkpoints")]
    public int SaveSteps { get; init; } = 200;

    /// <summary>How many checkpoints are kept, the newest; that of the best validation is kept besides, where the run may end with it. The default is 3.</summary>
    [ResultNeutral, Range(1, 1000), Description("Checkpoints kept")]
    public int SaveTotalLimit { get; init; } = 3;

    /// <summary>Whether an attempt that was broken off is gone on from; otherwise its checkpoints are deleted. The default is <see langword="true"/>.</summary>
    [ResultNeutral, Description("Go on from the newest checkpoint of a run that was broken off")]
    public bool Resume { get; init; } = true;

    /// <summary>
    /// Training ends after so many validations in a row without an improvement of at least <see cref="EarlyStoppingThreshold"/>, and the result is the adapter of the best one; 0 trains to
    /// the end. It needs validation data. The default is 0.
    /// </summary>
    [Range(0, 1000000), Description("Validations without improvement after which training stops; 0 never stops early")]
    public int EarlyStoppingPatience { get; init; }

    /// <summary>By how much the validation loss must fall below the best so far to count as an improvement. The default is 0: by anything.</summary>
    [Range(0.0, 1e6), Description("Fall of the validation loss that counts as an improvement")]
    public double EarlyStoppingThreshold { get; init; }

    /// <summary>
    /// Whether the result is the adapter with the lowest validation loss instead of the last one, as it always is with <see cref="EarlyStoppingPatience"/>. It needs validation data; the
    /// validation before training does not count. The default is <see langword="false"/>.
    /// </summary>
    [Description("End with the adapter of the lowest validation loss")]
    public bool LoadBestModelAtEnd { get; init; }

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
    [ResultNeutral, Range(1, int.MaxValue), Description("Steps between log lines")]
    public int LoggingSteps { get; init; } = 10;

    /// <summary>Element type of the frozen base weights; adapters are float32. The default is <see cref="Precision.Fp32"/>.</summary>
    [Description("Element type of the frozen base weights: fp32, bf16 or fp16")]
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>
    /// Whether the <see cref="BatchSize"/> samples of a forward pass stand one after another in one row, each with its own positions and attention, so that nothing is padded; otherwise each
    /// has a row as long as the longest. The loss is the same either way. The default is <see langword="true"/>.
    /// </summary>
    [Description("Put the samples of a forward pass into one row, without padding")]
    public bool Packing { get; init; } = true;

    /// <summary>
    /// Answer tokens whose scores over the whole vocabulary are in memory at one time; the loss is the same for every value. The default is 256, which takes 50 MB with 50,000 pieces; 0
    /// takes all of a forward pass at once.
    /// </summary>
    [Range(0, 1 << 20), Description("Answer tokens scored at one time; 0 is all of a forward pass")]
    public int LossChunk { get; init; } = 256;

    /// <summary>
    /// Whether libtorch's fused kernels (attention over segments and grouped heads, RMSNorm, AdamW) are used where it has them; otherwise the operators of TorchSharp. Results differ by
    /// rounding. The default is <see langword="true"/>.
    /// </summary>
    [Description("Use libtorch's fused attention, RMSNorm and AdamW")]
    public bool FusedKernels { get; init; } = true;

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

    /// <summary>Seed of everything random: shuffling, dropout, new rows, LoRA's A. The default is 42.</summary>
    [Description("Random seed")]
    public int Seed { get; init; } = 42;

    /// <summary>
    /// A folder in which tokenised data is kept for the next run on the same files, tokenizer and options, relative to the current folder; <c>none</c> keeps nothing. The default is
    /// <c>cache/data</c> in the workspace, or in the user's cache folder (<c>~/.cache/alpaca</c>) when a stage runs alone.
    /// </summary>
    [ResultNeutral, Description("Folder of tokenised data, or none; by default in the workspace, or the user's cache folder")]
    public string? DataCacheDir { get; init; }

    /// <summary>The device: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>. The default is <c>cpu</c>.</summary>
    [Description("cpu, cuda or cuda:N")]
    public string Device { get; init; } = "cpu";
}

/// <summary>Which rows of modules trained in full are trained.</summary>
public enum TrainableRows
{
    /// <summary>All.</summary>
    All,

    /// <summary>Those of the pieces that the tokenizer has and the base model has not.</summary>
    New,
}

/// <summary>How the embedding and output rows of new pieces start.</summary>
public enum NewRowInit
{
    /// <summary>Normally distributed around 0 with deviation 0.02.</summary>
    Normal,

    /// <summary>
    /// At the mean of the old rows of the same matrix (Hewitt 2021): as outputs new pieces begin with an average score instead of a large share of the probability. Around it, 3e-5 of the old rows' deviation,
    /// per column: what <c>mean_resizing</c> of transformers draws, but for the correlations between columns, which at that size mean nothing and cost a decomposition of [H, H].
    /// </summary>
    Mean,
}

/// <summary>What the forward pass keeps for the backward pass.</summary>
public enum ActivationCheckpointing
{
    /// <summary>All activations.</summary>
    None,

    /// <summary>The input of each decoder layer; the rest is computed again when its gradient is needed.</summary>
    Block,
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
