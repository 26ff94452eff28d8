using Alpaca.Abstractions;

namespace Alpaca.Download.Tests;

/// <summary>What is refused before anything is asked of a source, and names that are refused wherever they come from.</summary>
public sealed class RequestTests
{
    [Theory]
    [InlineData("7B/params.json", true)]
    [InlineData("tokenizer.model", true)]
    [InlineData("模型.bin", true)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("../a", false)]
    [InlineData("a/../b", false)]
    [InlineData("a/.. /b", false)]
    [InlineData("/a", false)]
    [InlineData("a//b", false)]
    [InlineData("a/", false)]
    [InlineData("a\\b", false)]
    [InlineData("C:a", false)]
    [InlineData("a:stream", false)]
    [InlineData("a\0", false)]
    [InlineData("a\n", false)]
    public void IsSafe_Name_IsOnlyWhatStaysBelow(string name, bool safe) => RelativeName.IsSafe(name).Should().Be(safe);

    [Theory]
    [InlineData("https://host/llama")]
    [InlineData("/some/folder")]
    public void Check_NoSizes_IsAnError(string source) => Problems(new DownloadRequest { Source = source }).Should().ContainSingle().Which.Should().StartWith("ModelSize is missing");

    [Fact]
    public void Check_SeveralProblems_AreAllSaid()
        => Problems(new DownloadRequest { Source = "https://host/llama", ModelSize = ["../7B"], Revision = "v2", Include = ["*"], ParallelDownloads = 0, VerifyOnly = true })
            .Select(p => p.Split(' ')[0]).Should().Equal("ModelSize", "ParallelDownloads", "Revision", "Include", "VerifyOnly");

    [Fact]
    public void Check_HubWithWhatItHasNot_IsAnError()
        => Problems(new DownloadRequest { Source = "hf:acme/llama", ModelSize = ["7B"], Revision = "", VerifyOnly = true }).Select(p => p.Split(' ')[0]).Should().Equal("ModelSize", "Revision", "VerifyOnly");

    [Theory]
    [InlineData("")]
    [InlineData("hf:")]
    [InlineData("hf:../evil")]
    [InlineData("hf:a/b/c")]
    [InlineData("hf:a/b?token=x")]
    [InlineData("ftp://host/llama")]
    public void Check_NoSource_IsAnError(string source) => Problems(new DownloadRequest { Source = source, ModelSize = ["7B"] }).Should().Contain(p => p.StartsWith("Source"));

    [Theory]
    [InlineData("https://user:password@host/dir/*?signature=secret", "https://host/dir/*")]
    [InlineData("https://host/dir#fragment", "https://host/dir")]
    public void Check_AddressWithSecrets_IsShownWithoutThem(string source, string shown)
        => DownloadRequestCheck.Run(new DownloadRequest { Source = source, ModelSize = ["7B"] }).DisplayName.Should().Be(shown);

    private static string[] Problems(DownloadRequest request)
        => FluentActions.Invoking(() => DownloadRequestCheck.Run(request)).Should().Throw<AlpacaUsageException>().Which.Message.Split('\n');
}
