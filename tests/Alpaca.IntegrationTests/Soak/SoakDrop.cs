using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Alpaca.IntegrationTests;

/// <summary>What a drop of the soak is.</summary>
internal enum SoakKind
{
    List,
    Lines,
    RenamedIn,
    InTwoHalves,
    StrangeName,
    Again,
    BrokenJson,
    WrongSchema,
    NotUtf8,
    Empty,
    NoData,
    Link,
    LinkToFolder,
    Pipe,
    Folder,
}

/// <summary>One drop of the soak: what is put into the folder, and what has to become of it.</summary>
/// <param name="Number">Its number, which is in its name and, in a good one, its rows.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Content">What a file holds.</param>
/// <param name="Reason">A part of the reason for which it is refused; <see langword="null"/> for a good one.</param>
internal sealed partial record SoakDrop(int Number, SoakKind Kind, byte[] Content, string? Reason)
{
    public string Sha256 => Convert.ToHexStringLower(SHA256.HashData(Content));

    public string Name => Kind switch
    {
        SoakKind.Lines => $"{Number:D3}.jsonl",
        SoakKind.NoData => $"{Number:D3}.csv",
        SoakKind.StrangeName => $"-{Number:D3}\n.json",
        _ => $"{Number:D3}.json",
    };

    /// <summary>The name that it has once it was taken or refused.</summary>
    public string FinalName => Name.Replace("\n", "%0A", StringComparison.Ordinal);

    /// <summary>Chooses the drops.</summary>
    public static IReadOnlyList<SoakDrop> Choose(int count, Random random)
    {
        var drops = new List<SoakDrop>();
        var kinds = Enum.GetValues<SoakKind>();
        for (var number = 0; number < count; number++)
        {
            // Every second one is good.
            var kind = random.Next(2) == 0 ? (SoakKind)random.Next((int)SoakKind.Again) : kinds[random.Next(kinds.Length)];
            var earlier = drops.Where(drop => drop.Reason is null).ToList();
            if (kind == SoakKind.Again && earlier.Count == 0) kind = SoakKind.List;
            var rows = Enumerable.Range(0, random.Next(1, 6)).Select(row => $$"""{"instruction": "drop {{number}}, row {{row}}", "input": "", "output": "第 {{row}} 行"}""");
            drops.Add(kind switch
            {
                SoakKind.Lines => Of(string.Join('\n', rows), null),
                SoakKind.Again => new SoakDrop(number, kind, earlier[random.Next(earlier.Count)].Content, "is a duplicate of accepted/"),
                SoakKind.BrokenJson => Of($"[{string.Join(',', rows)}", "not JSON"),
                SoakKind.WrongSchema => Of($$"""[{"question": "{{number}}"}]""", "'instruction' is missing"),
                SoakKind.NotUtf8 => new SoakDrop(number, kind, [.. Encoding.UTF8.GetBytes($"[\"{number}"), 0xD6, 0xD0, .. "\"]"u8], "not UTF-8"),
                SoakKind.Empty => Of("", "is empty"),
                SoakKind.NoData => Of($"a,{number}", "neither a .json nor a .jsonl"),
                SoakKind.Link or SoakKind.LinkToFolder => Of("", "symbolic link"),
                SoakKind.Pipe => Of("", "a pipe, a socket or a device"),
                SoakKind.Folder => Of("", "is a folder"),
                _ => Of($"[{string.Join(',', rows)}]", null),
            });

            SoakDrop Of(string content, string? reason) => new(number, kind, Encoding.UTF8.GetBytes(content), reason);
        }

        return drops;
    }

    /// <summary>Puts it into a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="outside">A folder beside it, with a file <c>secret.json</c>, for links.</param>
    public async Task PutAsync(string folder, string outside)
    {
        var path = Path.Combine(folder, Name);
        switch (Kind)
        {
            case SoakKind.RenamedIn:
                await File.WriteAllBytesAsync($"{path}.part", Content);
                File.Move($"{path}.part", path);
                break;
            case SoakKind.InTwoHalves:
                await using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0))
                {
                    await file.WriteAsync(Content.AsMemory(0, Content.Length / 2));
                    await Task.Delay(300);
                    await file.WriteAsync(Content.AsMemory(Content.Length / 2));
                }

                break;
            case SoakKind.Link: File.CreateSymbolicLink(path, Path.Combine(outside, "secret.json")); break;
            case SoakKind.LinkToFolder: Directory.CreateSymbolicLink(path, outside); break;
            case SoakKind.Pipe: MakePipe(path, 0x180).Should().Be(0); break;
            case SoakKind.Folder: await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(path).FullName, "in.json"), "[]"); break;
            default: await File.WriteAllBytesAsync(path, Content); break;
        }
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakePipe(string path, uint mode);
}
