using Alpaca.Formats;

namespace Alpaca.Evaluation.Tests;

/// <summary>Copies of the tiny model, whole and damaged.</summary>
internal static class TinyModel
{
    /// <summary>A copy, some of whose tensors are multiplied by 16, so that the model is far too sure of what it says.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="damaged">The tensors' names.</param>
    public static string CopyTo(string folder, params string[] damaged)
    {
        foreach (var file in Directory.EnumerateFiles(TinyGqa.Folder)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        var weights = Path.Combine(folder, "model.safetensors");
        using var source = SafetensorsFile.Open(Path.Combine(TinyGqa.Folder, "model.safetensors"));
        using var target = new SafetensorsWriter(weights, source.Tensors);
        foreach (var tensor in source.Tensors)
        {
            var bytes = new byte[tensor.ByteLength];
            source.Read(tensor, 0, bytes);
            if (damaged.Contains(tensor.Name))
            {
                var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(bytes.AsSpan());
                for (var i = 0; i < values.Length; i++) values[i] *= (Half)16;
            }

            target.Write(tensor.Name, 0, bytes);
        }

        target.Complete();
        return folder;
    }
}
