using System.Collections;

namespace Alpaca.Host.Tests;

/// <summary><c>deploy/install-systemd.sh</c> and its counterpart, below a folder that stands for <c>/</c>.</summary>
public sealed class InstallSystemdTests : IDisposable
{
    private readonly DeploymentBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [ToolFact("sh")]
    public async Task Install_Fresh_HasOwnPlacesThatOthersCannotWriteTo()
    {
        await _bench.InstallAsync();

        var modes = _bench.Modes();
        modes.Should().Contain(new Dictionary<string, string>
        {
            ["opt/alpaca/alpaca"] = "755",
            ["opt/alpaca/plugins/Alpaca.Convert"] = "755",
            ["opt/alpaca/plugins/Alpaca.Convert/Alpaca.Convert.dll"] = "644",
            ["etc/alpaca"] = "750",
            ["etc/alpaca/appsettings.json"] = "640",
            ["etc/alpaca/secrets.env"] = "600",
            ["etc/systemd/system/alpaca.service"] = "644",
            ["var/lib/alpaca"] = "750",
            ["var/lib/alpaca/drops/sample"] = "2770",
            ["var/cache/alpaca"] = "750",
            ["var/log/alpaca"] = "750",
        });
        modes.Where(entry => "2367".Contains(entry.Value[^1])).Should().BeEmpty("nothing is writable for everybody");
    }

    [ToolFact("sh")]
    public async Task Install_Fresh_TheConfigurationLeadsToWhereThingsAre()
    {
        await _bench.InstallAsync("--prefix", "/srv/alpaca");

        var settings = AlpacaSettings.Load(_bench.Installed("etc", "alpaca", "appsettings.json"), null, [], null, new Hashtable());
        settings.WorkspaceFolder.Should().Be("/var/lib/alpaca");
        var text = await File.ReadAllTextAsync(settings.ConfigurationFile!);
        text.Should().Contain("\"/srv/alpaca/samples/llama-tiny\"").And.Contain("\"Folder\": \"/var/lib/alpaca/drops/sample\"").And.Contain("\"/var/lib/alpaca/drops/sample/accepted\"");
        text.Should().NotContain("\"samples/").And.NotContain("\"workspace");
    }

    [ToolFact("sh")]
    public async Task Install_Upgrade_ReplacesTheProgramAndKeepsTheRest()
    {
        await _bench.InstallAsync();
        await File.WriteAllTextAsync(_bench.Installed("etc", "alpaca", "appsettings.json"), """{ "Workspace": "mine" }""");
        await File.WriteAllTextAsync(_bench.Installed("etc", "alpaca", "secrets.env"), "HF_TOKEN=mine");
        await File.WriteAllTextAsync(_bench.Installed("var", "lib", "alpaca", "runs.db"), "mine");
        await File.WriteAllTextAsync(_bench.Installed("opt", "alpaca", "gone.dll"), "of the old version");

        _bench.Publish("2");
        (await _bench.InstallAsync()).Should().Contain("appsettings.json is kept");

        (await File.ReadAllTextAsync(_bench.Installed("opt", "alpaca", "alpaca.dll"))).Should().Be("2");
        File.Exists(_bench.Installed("opt", "alpaca", "gone.dll")).Should().BeFalse();
        (await File.ReadAllTextAsync(_bench.Installed("etc", "alpaca", "appsettings.json"))).Should().Be("""{ "Workspace": "mine" }""");
        (await File.ReadAllTextAsync(_bench.Installed("etc", "alpaca", "secrets.env"))).Should().Be("HF_TOKEN=mine");
        (await File.ReadAllTextAsync(_bench.Installed("var", "lib", "alpaca", "runs.db"))).Should().Be("mine");
        _bench.Modes()["etc/alpaca/secrets.env"].Should().Be("600");
        Directory.GetFileSystemEntries(_bench.Installed("opt")).Should().Equal(_bench.Installed("opt", "alpaca"));
    }

    [ToolFact("sh")]
    public async Task Install_AfterAnUpgradeThatWasCutShort_IsWhole()
    {
        await _bench.InstallAsync();
        Directory.Move(_bench.Installed("opt", "alpaca"), _bench.Installed("opt", "alpaca.old"));
        Directory.CreateDirectory(_bench.Installed("opt", "alpaca.new", "plugins"));

        await _bench.InstallAsync();

        Directory.GetFileSystemEntries(_bench.Installed("opt")).Should().Equal(_bench.Installed("opt", "alpaca"));
        File.Exists(_bench.Installed("opt", "alpaca", "alpaca.dll")).Should().BeTrue();
    }

    [ToolFact("sh")]
    public async Task Install_OtherUserAndPrefix_StandInTheUnit()
    {
        await _bench.InstallAsync("--user", "llama", "--prefix", "/srv//alpaca/");
        var unit = await File.ReadAllLinesAsync(_bench.Unit);
        unit.Should().Contain("User=llama").And.Contain("Group=llama").And.Contain(line => line.StartsWith("ExecStart=/srv/alpaca/alpaca serve "));
    }

    [ToolFact("sh")]
    public async Task Install_DryRun_WritesNothing()
    {
        (await _bench.InstallAsync("--dry-run")).Should().Contain("would run: cp -R").And.EndWith("Nothing was done.\n");
        _bench.Modes().Should().BeEmpty();
    }

    [ToolFact("sh")]
    public async Task Install_WrongArguments_SaysSoAndWritesNothing()
    {
        Directory.CreateDirectory(_bench.Installed("opt", "other"));
        await File.WriteAllTextAsync(_bench.Installed("opt", "other", "file"), "somebody else's");
        var before = _bench.Modes();

        foreach (var (arguments, message) in new (string[], string)[]
        {
            (["--from", _bench.Root], "has no 'alpaca'; publish with"),
            (["--from", _bench.Published, "--prefix", "opt"], "--prefix is 'opt'; it must be a folder's absolute path."),
            (["--from", _bench.Published, "--prefix", "/"], "--prefix is '/'; it must be a folder's absolute path."),
            (["--from", _bench.Published, "--prefix", "/opt/../etc"], "without '..'"),
            (["--from", _bench.Published, "--prefix", "/opt/with space"], "--prefix is '/opt/with space'"),
            (["--from", _bench.Published, "--prefix", "/opt/other"], "holds something else than Alpaca"),
            (["--from", _bench.Published, "--user", "a b"], "--user is 'a b'"),
            (["--from", _bench.Published, "--user"], "--user wants a value."),
            (["--form", _bench.Published], "--form is no option"),
        })
        {
            var (exitCode, _, error) = await DeploymentBench.RunScriptAsync("install-systemd.sh", [.. arguments[^1] == "--user" ? [] : (string[])["--root", _bench.Root], .. arguments]);
            exitCode.Should().BeInRange(1, 2);
            error.Should().Contain(message).And.HaveLength(error.TrimEnd('\n').Length + 1);
        }

        _bench.Modes().Should().Equal(before);
    }

    [ToolFact("sh")]
    public async Task Uninstall_Installed_LeavesConfigurationAndData()
    {
        await _bench.InstallAsync();
        (await DeploymentBench.RunScriptAsync("uninstall-systemd.sh", "--root", _bench.Root)).ExitCode.Should().Be(0);

        Directory.Exists(_bench.Installed("opt", "alpaca")).Should().BeFalse();
        File.Exists(_bench.Unit).Should().BeFalse();
        File.Exists(_bench.Installed("etc", "alpaca", "appsettings.json")).Should().BeTrue();
        Directory.Exists(_bench.Installed("var", "lib", "alpaca", "drops", "sample")).Should().BeTrue();

        var (exitCode, _, error) = await DeploymentBench.RunScriptAsync("uninstall-systemd.sh", "--root", _bench.Root, "--prefix", "/etc");
        exitCode.Should().Be(1);
        error.Should().Contain("may not be Alpaca");
        Directory.Exists(_bench.Installed("etc")).Should().BeTrue();
    }

    [OwnMountsFact]
    public async Task Install_AsRoot_GivesEachPlaceItsOwnerAndRestartsWhatRan()
    {
        // In mounts of its own, where /etc is a copy and what would be written to is empty; systemctl says what it is asked.
        var script = _bench.Write("install.sh", $$"""
            set -eu
            mkdir {{_bench.Root}}/etc {{_bench.Root}}/bin
            cp -a /etc/. {{_bench.Root}}/etc
            mount --bind {{_bench.Root}}/etc /etc
            for folder in /opt /var/lib /var/cache /var/log /run; do mount -t tmpfs none $folder; done
            mkdir -p /run/systemd/system
            printf '#!/bin/sh\necho "systemctl $*"\n' > {{_bench.Root}}/bin/systemctl
            chmod +x {{_bench.Root}}/bin/systemctl
            export PATH={{_bench.Root}}/bin:$PATH
            install={{Golden.RepositoryRoot}}/deploy/install-systemd.sh
            sh $install --from {{_bench.Published}} --user alpaca-test
            stat -c '%A %U:%G %n' /opt/alpaca/alpaca.dll /etc/alpaca/appsettings.json /etc/alpaca/secrets.env /var/lib/alpaca /var/lib/alpaca/drops/sample
            getent passwd alpaca-test
            """);

        var (exitCode, output, error) = await DeploymentBench.RunAsync("unshare", "-m", "/bin/sh", script);

        exitCode.Should().Be(0, "it said {0}", error);
        var lines = output.Split('\n');
        lines.Should().ContainInOrder("systemctl stop alpaca", "systemctl daemon-reload", "systemctl enable alpaca", "systemctl start alpaca");
        lines.Should().Contain(
        [
            "-rw-r--r-- root:root /opt/alpaca/alpaca.dll", "-rw-r----- root:alpaca-test /etc/alpaca/appsettings.json", "-rw------- root:root /etc/alpaca/secrets.env",
            "drwxr-x--- alpaca-test:alpaca-test /var/lib/alpaca", "drwxrws--- alpaca-test:alpaca-test /var/lib/alpaca/drops/sample",
        ]);
        lines.Should().Contain(line => line.StartsWith("alpaca-test:") && line.EndsWith(":/var/lib/alpaca:/usr/sbin/nologin"));
    }

    [ToolFact("systemd-analyze")]
    public async Task Unit_Installed_IsOneThatSystemdUnderstands()
    {
        await _bench.InstallAsync();
        // The program lies where it was staged; systemd looks whether it is there.
        var unit = Path.Combine(_bench.Root, "alpaca.service");
        await File.WriteAllTextAsync(unit, (await File.ReadAllTextAsync(_bench.Unit)).Replace("/opt/alpaca/", $"{_bench.Root}/opt/alpaca/", StringComparison.Ordinal));

        var (exitCode, output, error) = await DeploymentBench.RunAsync("systemd-analyze", "verify", "--man=no", unit);

        (output + error).Should().NotContain("alpaca.service");
        exitCode.Should().Be(0, "it said {0}", error);
    }

    [ToolFact("shellcheck")]
    public async Task Scripts_Checked_HaveNoFindings()
    {
        var scripts = Directory.GetFiles(Path.Combine(Golden.RepositoryRoot, "deploy"), "*.sh");
        var (exitCode, output, _) = await DeploymentBench.RunAsync("shellcheck", scripts);
        exitCode.Should().Be(0, output);
    }

    private sealed class OwnMountsFactAttribute : FactAttribute
    {
        private static readonly Lazy<bool> CanMount = new(() =>
            OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && File.Exists("/usr/sbin/useradd")
            && DeploymentBench.RunAsync("/bin/sh", "-c", "unshare -m mount -t tmpfs none /opt").GetAwaiter().GetResult().ExitCode == 0);

        public OwnMountsFactAttribute() => Skip = CanMount.Value ? null : "Mounts of its own can only be made by root on Linux.";
    }
}
