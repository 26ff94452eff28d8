using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Alpaca.Host.Tests.Plugins;

/// <summary>Plugins whose code may be somebody else's are not loaded.</summary>
public sealed class PluginTrustTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _plugins;
    private readonly string _notes;

    public PluginTrustTests()
    {
        TestPlugins.Install(_folder, "Acme.Notes");
        _plugins = _folder.Combine("plugins");
        _notes = Path.Combine(_plugins, "Acme.Notes");
    }

    public void Dispose() => _folder.Dispose();

    [UnixTheory]
    [InlineData("")]
    [InlineData("Acme.Notes")]
    [InlineData("Acme.Notes/Acme.Notes.dll")]
    public void Load_EverybodyMayWriteToIt_IsFaulted(string what)
    {
        var open = Path.Combine(_plugins, what).TrimEnd('/');
        Open(_folder.Path, UnixFileMode.OtherExecute);
        Open(open, UnixFileMode.OtherWrite);

        Load().Should().Match<PluginInfo>(plugin => plugin.State == PluginState.Faulted && plugin.Reason!.StartsWith($"Every user of this machine may write to {open}", StringComparison.Ordinal));
    }

    [UnixFact]
    public void Load_WritableBehindAClosedFolder_IsActive()
    {
        Open(_plugins, UnixFileMode.OtherWrite);

        Load().State.Should().Be(PluginState.Active, "nobody else comes into {0}", _folder.Path);
    }

    [UnixFact]
    public void Load_LinkToAFolderElsewhere_IsFaulted()
    {
        Directory.Move(_notes, _folder.Combine("elsewhere"));
        Directory.CreateSymbolicLink(_notes, _folder.Combine("elsewhere"));

        Load().Reason.Should().Be($"{_notes} is a link; a plugin has to lie in the plugins folder itself.");
    }

    [Fact]
    public void Load_Pinned_IsActiveUntilAFileChanges()
    {
        var digest = PluginDigest.Of(_notes);
        Load(digest).State.Should().Be(PluginState.Active);
        Load(new string('0', 64)).Reason.Should().StartWith($"Its files have the SHA-256 {digest}, and Plugins:Sha256:Acme.Notes asks for 000");

        File.AppendAllText(Path.Combine(_notes, "Acme.Notes.deps.json"), " ");

        Load(digest).State.Should().Be(PluginState.Faulted);
    }

    private static void Open(string path, UnixFileMode rights)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, File.GetUnixFileMode(path) | rights);
    }

    private PluginInfo Load(string? digest = null)
    {
        var pins = digest is null ? [] : new Dictionary<string, string> { ["Acme.Notes"] = digest };
        using var catalog = new PluginCatalog([_plugins], [], new ConfigurationBuilder().Build(), NullLoggerFactory.Instance, TimeProvider.System, pins);
        return catalog.Plugins.Single();
    }
}
