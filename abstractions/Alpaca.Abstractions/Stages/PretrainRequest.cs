using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Alpaca.Abstractions;

/// <summary>Options of the <c>pretrain</c> stage.</summary>
public sealed record PretrainRequest : TrainingRequest
{
    /// <summary>Folders whose <c>*.txt</c> files hold plain text in UTF-8, or such files themselves.</summary>
    [Required, MinLength(1), PathInput, Description("Folders or files of plain text")]
    public IReadOnlyList<string> DatasetDir { get; init; } = [];

    /// <summary>What a document is: each line, each paragraph, or each file. Every document begins with BOS. The default is <see cref="TextDocuments.Line"/>, as in the original script.</summary>
    [Description("What a document is: line, paragraph (up to an empty line) or file")]
    public TextDocuments Documents { get; init; } = TextDocuments.Line;

    /// <summary>Whether every document ends with EOS. The default is <see langword="false"/>, as the original script has it for LLaMA; its version for Llama 2 says <see langword="true"/>.</summary>
    [Description("End every document with EOS")]
    public bool AddEos { get; init; }

    /// <summary>
    /// Tokens of a block: the documents are joined and cut into blocks of so many, of which all tokens are learned. The last block has what remains. The default is 512.
    /// </summary>
    [Range(8, 1 << 20), Description("Tokens of a block")]
    public int BlockSize { get; init; } = 512;

    /// <summary>Plain text for the validation loss, a file or a folder. The default is none.</summary>
    [PathInput, Description("Plain text for the validation loss")]
    public string? ValidationFile { get; init; }

    /// <summary>
    /// The part of the blocks, rounded up, that is held out for the validation loss instead; <see cref="TrainingRequest.Seed"/> chooses them. The default is 0: none. A document may lie in
    /// several blocks, so it can be learned in part and validated in part; a <see cref="ValidationFile"/> of other documents is stricter.
    /// </summary>
    [Range(0.0, 0.9), Description("Part of the blocks held out for the validation loss, instead of validation-file")]
    public double ValidationSplit { get; init; }
}

/// <summary>What a document is in plain text.</summary>
public enum TextDocuments
{
    /// <summary>Each line that is not blank.</summary>
    Line,

    /// <summary>Lines up to a blank one, line feeds between them.</summary>
    Paragraph,

    /// <summary>Each file, line feeds between its lines.</summary>
    File,
}
