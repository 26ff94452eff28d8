using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>What a Hugging Face folder holds beside its weights.</summary>
internal static class HuggingFaceFiles
{
    private static readonly string[] Names = [LlamaConfig.FileName, GenerationConfig.FileName, .. TokenizerFiles.Names];

    /// <summary>Copies those that exist, byte for byte.</summary>
    public static void Copy(string fromFolder, string toFolder)
    {
        foreach (var name in Names.Where(name => File.Exists(Path.Combine(fromFolder, name))))
        {
            // Contents only: a read-only source must not make a read-only copy.
            File.WriteAllBytes(Path.Combine(toFolder, name), File.ReadAllBytes(Path.Combine(fromFolder, name)));
        }

        var original = Path.Combine(fromFolder, CheckpointLocation.OriginalFolder, TokenizerFiles.Model);
        if (File.Exists(original))
        {
            TokenizerFiles.CopyModel(original, Directory.CreateDirectory(Path.Combine(toFolder, CheckpointLocation.OriginalFolder)).FullName);
        }
    }
}
