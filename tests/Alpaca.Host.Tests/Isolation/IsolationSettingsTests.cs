using System.Collections;
using System.Diagnostics;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

public sealed class IsolationSettingsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_Nothing_GivesTheDefaults()
        => Read("{}").Should().Be(new IsolationSettings { Enabled = true, Priority = ProcessPriorityClass.BelowNormal, MemoryLimit = null, StopTime = TimeSpan.FromSeconds(60) });

    [Theory]
    [InlineData("8GB", 8_000_000_000)]
    [InlineData("1.5 gib", 1_610_612_736)]
    [InlineData("512MiB", 536_870_912)]
    [InlineData("1000000", 1_000_000)]
    public void Read_MemoryLimit_TakesSizes(string text, long bytes)
        => Read($$"""{ "Enabled": false, "Priority": "idle", "MemoryLimit": "{{text}}", "StopSeconds": 5 }""").Should()
            .Be(new IsolationSettings { Enabled = false, Priority = ProcessPriorityClass.Idle, MemoryLimit = bytes, StopTime = TimeSpan.FromSeconds(5) });

    [Fact]
    public void Read_WrongValues_ReportsAllOfThem()
        => FluentActions.Invoking(() => Read("""{ "Enabled": "perhaps", "Priority": "RealTime", "MemoryLimit": "much", "StopSeconds": 0 }""")).Should().Throw<AlpacaUsageException>().WithMessage(
            "Isolation:Enabled is 'perhaps'; *\nIsolation:Priority is 'RealTime'; it must be one of Normal, BelowNormal, Idle.\nIsolation:MemoryLimit is 'much'; *\nIsolation:StopSeconds is '0'; *");

    private IsolationSettings Read(string section)
        => IsolationSettings.Read(AlpacaSettings.Load(_folder.Write("appsettings.json", $$"""{ "Isolation": {{section}} }"""), null, [], null, new Hashtable()));
}
