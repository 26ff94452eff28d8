namespace Alpaca.Host.Tests.Pipelines;

public sealed class DurableFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task TryCreate_ByManyAtOnce_IsDoneByOne()
    {
        for (var round = 0; round < 20; round++)
        {
            var file = _folder.Combine("files", $"{round}.json");
            using var start = new Barrier(4);
            var done = await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Factory.StartNew(() =>
            {
                start.SignalAndWait();
                return DurableFile.TryCreate(file, $"writer {writer}");
            }, TaskCreationOptions.LongRunning)));

            done.Should().ContainSingle(created => created);
            File.ReadAllText(file).Should().Be($"writer {Array.IndexOf(done, true)}");
        }

        Directory.GetFiles(_folder.Combine("files"), ".*").Should().BeEmpty();
    }

    [Fact]
    public void Replace_File_HasTheNewContent()
    {
        var file = _folder.Combine("deep", "er", "file.json");

        DurableFile.Replace(file, "one, and longer");
        DurableFile.Replace(file, "two");

        File.ReadAllText(file).Should().Be("two");
        Directory.GetFileSystemEntries(Path.GetDirectoryName(file)!).Should().ContainSingle();
    }

    [Fact]
    public void Replace_NameIsAFolder_LeavesItAlone()
    {
        var folder = _folder.CreateFolder("aliases.json");

        FluentActions.Invoking(() => DurableFile.Replace(folder, "x")).Should().Throw<Exception>();

        Directory.Exists(folder).Should().BeTrue();
    }
}
