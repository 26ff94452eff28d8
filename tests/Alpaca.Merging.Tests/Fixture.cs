using System.Text.Json.Nodes;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Merging.Tests;

/// <summary>The tiny model and adapters of Fixtures/make_fixtures.py, and copies of them to change.</summary>
internal static class Fixture
{
    public const int BaseVocabulary = 96, PretrainVocabulary = 112, SftVocabulary = 113;

    public static string Folder { get; } = Path.Combine(Golden.RepositoryRoot, "tests", "Alpaca.Merging.Tests", "Fixtures");

    public static string Base => Path.Combine(Folder, "base");

    public static string Pretrain => Path.Combine(Folder, "adapter-pretrain");

    public static string Sft => Path.Combine(Folder, "adapter-sft");

    public static string Merged => Path.Combine(Folder, "merged.bin");

    public static MergeRequest Request(params string[] adapters) => new() { BaseModel = Base, LoraModel = adapters };

    public static string Copy(this TemporaryFolder folder, string source, string? name = null)
    {
        var copy = folder.CreateFolder(name ?? Path.GetFileName(source));
        foreach (var file in Directory.GetFiles(source))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return copy;
    }

    public static void EditJson(string path, Action<JsonObject> edit)
    {
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        edit(json);
        File.WriteAllText(path, json.ToJsonString());
    }

    /// <summary>Replaces an adapter's weights by safetensors with tensors changed, renamed or left out.</summary>
    public static void EditWeights(string adapterFolder, Func<TensorInfo, byte[], (TensorInfo, byte[])?> edit)
    {
        var old = Path.Combine(adapterFolder, "adapter_model.bin");
        List<(TensorInfo Info, byte[] Data)> kept = [];
        using (var source = TensorSource.Open(old))
        {
            foreach (var tensor in source.Tensors)
            {
                if (edit(tensor, source.ReadBytes(tensor)) is { } changed)
                {
                    kept.Add(changed);
                }
            }
        }

        File.Delete(old);
        WriteSafetensors(Path.Combine(adapterFolder, PeftAdapter.WeightsName), kept);
    }

    public static void WriteSafetensors(string path, IReadOnlyList<(TensorInfo Info, byte[] Data)> tensors)
    {
        using var writer = new SafetensorsWriter(path, [.. tensors.Select(t => t.Info)]);
        foreach (var (info, data) in tensors)
        {
            writer.Write(info.Name, 0, data);
        }

        writer.Complete();
    }

    public static Dictionary<string, string> Digests(ITensorSource source) => source.Tensors.ToDictionary(t => t.Name, t => $"{t.DType} [{string.Join(",", t.Shape)}] {source.Sha256(t)}");

    public static Dictionary<string, string> Digests(string path)
    {
        using var source = TensorSource.Open(path);
        return Digests(source);
    }
}
