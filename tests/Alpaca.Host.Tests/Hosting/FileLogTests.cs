using System.Collections;
using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host.Tests;

public sealed class FileLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "LogLevel": { "Default": "Debug" } }""")]
    [InlineData("""{ "File": { "Path": "", "RetainedFiles": 3 } }""")]
    public void Read_NoPath_LogsToNoFile(string logging) => FileLogSettings.Read(Load(logging)).Should().BeNull();

    [Fact]
    public void Read_Path_IsRelativeToTheConfigurationAndHasDefaults()
        => FileLogSettings.Read(Load("""{ "File": { "Path": "logs/alpaca.log" } }""")).Should().Be(new FileLogSettings(_folder.Combine("logs", "alpaca.log"), 104_857_600, 31));

    [Fact]
    public void Read_WrongValues_ReportsAllOfThem()
    {
        Directory.CreateDirectory(_folder.Combine("logs"));
        FluentActions.Invoking(() => FileLogSettings.Read(Load("""{ "File": { "Path": "logs", "MaxFileBytes": "10MB", "RetainedFiles": 0, "Retained": 4 } }"""))).Should().Throw<AlpacaUsageException>()
            .Which.Message.Split('\n').Should().BeEquivalentTo(
                "Logging:File:Retained is not a known key (there is Path, MaxFileBytes, RetainedFiles).",
                "Logging:File:MaxFileBytes is '10MB'; it must be a whole number from 65536 to 1099511627776.",
                "Logging:File:RetainedFiles is '0'; it must be a whole number from 1 to 10000.",
                $"Logging:File:Path is {_folder.Combine("logs")}, where no log can be written (it is a folder); let the service's account write there, or name another file.");
    }

    [Fact]
    public void Read_TextInsteadOfASection_IsAnError()
        => FluentActions.Invoking(() => FileLogSettings.Read(Load("""{ "File": "alpaca.log" }"""))).Should().Throw<AlpacaUsageException>().WithMessage("Logging:File is 'alpaca.log'; *Logging:File:Path*");

    [Fact]
    public void Read_FolderThatCannotBeMade_IsAnError()
    {
        _folder.Write("taken", "a file");
        FluentActions.Invoking(() => FileLogSettings.Read(Load("""{ "File": { "Path": "taken/alpaca.log" } }"""))).Should().Throw<AlpacaUsageException>()
            .WithMessage($"Logging:File:Path is {_folder.Combine("taken", "alpaca.log")}, where no log can be written (*");
    }

    [Fact]
    public void AddFile_Levels_AreThoseOfTheConfigurationAndLinesAreWhole()
    {
        var settings = Load("""{ "LogLevel": { "Default": "Information", "Quiet": "Error" }, "File": { "Path": "alpaca.log" } }""");
        using (var loggers = LoggerFactory.Create(logging => logging.AddConfiguration(settings.Configuration.GetSection("Logging")).AddFile(FileLogSettings.Read(settings)!)))
        {
            loggers.CreateLogger("Alpaca.Test").Scheduled("样本", "0 0 3 * * ?", "UTC", DateTimeOffset.UnixEpoch);
            loggers.CreateLogger("Alpaca.Test").LogDebug("too much");
            loggers.CreateLogger("Quiet").LogWarning("not wanted");
            loggers.CreateLogger("Quiet").LogError(new InvalidOperationException("the reason"), "{Name} broke", "it");
        }

        var lines = File.ReadAllLines(Directory.GetFiles(_folder.Combine(), "alpaca*.log").Single());
        lines[0].Should().MatchRegex(@"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d\d:\d\d \[INF\] Alpaca\.Test: Pipeline 样本 is scheduled at 0 0 3 \* \* \? \(UTC\), next at 1970-01-01 00:00:00 \+00:00$");
        lines[1].Should().EndWith("[ERR] Quiet: it broke");
        lines[2].Should().Contain("the reason");
    }

    [Fact]
    public void AddFile_MoreThanFits_BeginsNewFilesAndKeepsTheNewest()
    {
        using (var loggers = LoggerFactory.Create(logging => logging.AddFile(new FileLogSettings(_folder.Combine("logs", "alpaca.log"), 65_536, 3))))
        {
            var log = loggers.CreateLogger("Alpaca.Test");
            for (var number = 0; number < 5000; number++) log.LogInformation("Line number {Number} of a log that becomes longer than its file may be", number);
        }

        var files = Directory.GetFiles(_folder.Combine("logs")).Select(file => new FileInfo(file)).OrderBy(file => file.Name, StringComparer.Ordinal).ToList();
        files.Should().HaveCount(3).And.OnlyContain(file => file.Length < 66_000);
        File.ReadLines(files[^1].FullName).Last().Should().Contain("Line number 4999 ");
    }

    private AlpacaSettings Load(string logging) => AlpacaSettings.Load(_folder.Write("appsettings.json", $$"""{ "Logging": {{logging}} }"""), null, [], null, new Hashtable());
}
