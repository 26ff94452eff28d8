using System.Security.Cryptography;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests.Pipelines;

public sealed class ContentDigestsTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Of_File_IsItsSha256()
        => Digest(Old("a.txt", "hello")).Should().Be((Convert.ToHexStringLower(SHA256.HashData("hello"u8)), 5));

    [Fact]
    public void Of_KnownFile_IsNotReadAgain()
    {
        var file = Old("a.txt", "hello");
        var first = Digest(file);
        var time = File.GetLastWriteTimeUtc(file);
        File.WriteAllText(file, "HELLO");
        File.SetLastWriteTimeUtc(file, time);

        Digest(file).Should().Be(first, "size and time are as they were");
    }

    [Fact]
    public void Of_FileWrittenJustNow_IsReadEachTime()
    {
        var file = _bench.Folder.Write("a.txt", "hello");
        var first = Digest(file);
        var time = File.GetLastWriteTimeUtc(file);
        File.WriteAllText(file, "HELLO");
        File.SetLastWriteTimeUtc(file, time);

        Digest(file).Should().NotBe(first);
    }

    [Fact]
    public void Of_Folder_DependsOnNamesAndContents()
    {
        Old("folder/a.txt", "1");
        Old("folder/sub/b.txt", "2");
        var folder = _bench.Folder.Combine("folder");
        var first = Digest(folder);
        first.Size.Should().Be(2);

        File.Move(Path.Combine(folder, "a.txt"), Path.Combine(folder, "c.txt"));
        var renamed = Digest(folder);
        renamed.Sha256.Should().NotBe(first.Sha256);

        File.Move(Path.Combine(folder, "c.txt"), Path.Combine(folder, "a.txt"));
        Digest(folder).Should().Be(first);
    }

    private (string Sha256, long Size) Digest(string path) => _bench.Digests.Of(path, NullProgress.Instance);

    private string Old(string name, string content)
    {
        var file = _bench.Folder.Write(name, content);
        File.SetLastWriteTimeUtc(file, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        return file;
    }
}
