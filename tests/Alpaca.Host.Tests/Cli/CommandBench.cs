namespace Alpaca.Host.Tests;

/// <summary>A folder with a configuration, a workspace and the plugin Acme.Notes, for commands.</summary>
internal sealed class CommandBench : IDisposable
{
    public CommandBench(string pipelineSections = "", string stages = """ "acme-note": { "Text": "Hello" }, "acme-binder": { "Title": "Greetings" } """)
    {
        TestPlugins.Install(Folder, "Acme.Notes");
        Configuration = Folder.Write("appsettings.json", $$"""
            { "Plugins": { "Folder": "plugins" }, "DefaultPipeline": "notes", "Pipelines": { "notes": { "Stages": { {{stages}} } {{pipelineSections}} } } }
            """);
    }

    public TemporaryFolder Folder { get; } = new();

    public string Configuration { get; }

    public Task<CommandRun> InvokeAsync(params string[] arguments) => CommandRun.InvokeAsync([.. arguments, "--config", Configuration]);

    public void Dispose() => Folder.Dispose();
}
