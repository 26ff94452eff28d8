using System.Text.Json;
using System.Text.Json.Nodes;
using Alpaca.Formats;

namespace Alpaca.Host;

/// <summary>How many samples were accepted that no successful run of the pipeline has seen, across restarts: <see cref="DropFolder.NewSamplesFile"/>.</summary>
/// <remarks>Changed only while nobody runs the pipeline, or by its run. Without the file there are none.</remarks>
/// <param name="Count">Samples; at least 1 where files were accepted but nobody can tell how many samples they have.</param>
internal sealed record NewSamples(int Count)
{
    private const int LongestNote = 4096; // What is longer was not written here.

    /// <summary>Reads what is noted.</summary>
    public static NewSamples Read(DropFolder folder)
    {
        try
        {
            switch (DropFiles.StateOf(folder.NewSamplesFile))
            {
                case null: return new NewSamples(0);
                case { Kind: not DropKind.File } or { Size: > LongestNote }: return new NewSamples(1);
            }

            using var file = DropFiles.OpenRead(folder.NewSamplesFile);
            return new NewSamples(JsonNode.Parse(file)!["samples"]!.GetValue<int>() is >= 0 and var count ? count : 1);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or NullReferenceException)
        {
            return new NewSamples(1); // A run too many does no harm.
        }
        catch (IOException) when (DropFiles.StateOf(folder.NewSamplesFile) is null)
        {
            return new NewSamples(0); // A run has just seen them all.
        }
    }

    /// <summary>Notes samples that are about to be accepted; fewer than none for those that could not be after all.</summary>
    public static void Add(DropFolder folder, long samples) => Write(folder, (int)Math.Clamp(Read(folder).Count + samples, 0, int.MaxValue));

    /// <summary>Notes that a run has seen them all.</summary>
    public static void Clear(DropFolder folder) => File.Delete(folder.NewSamplesFile);

    private static void Write(DropFolder folder, int count)
    {
        var temporary = $"{folder.NewSamplesFile}.tmp";
        try
        {
            using (var file = DropFiles.CreateTemporary(temporary))
            {
                file.Write(JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["samples"] = count }));
                file.Flush(flushToDisk: true);
            }

            Rename.File(temporary, folder.NewSamplesFile, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
