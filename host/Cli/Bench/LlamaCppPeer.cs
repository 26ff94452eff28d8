using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>llama.cpp on the same weights, through the npm package <c>node-llama-cpp</c> and the library built for it.</summary>
internal static class LlamaCppPeer
{
    /// <summary>How <c>--peer</c> calls it.</summary>
    public const string Name = "llama.cpp";

    private const string Packages = "node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1";

    /// <summary>The types of weights it is measured with.</summary>
    public static IReadOnlyList<string> Types { get; } = ["q4_0", "q8_0", "f32"];

    /// <summary>The folder with the npm packages: <c>llama.cpp</c> in <c>ALPACA_NODE_MODULES</c>, or in <c>alpaca-node</c> of the user's cache.</summary>
    /// <exception cref="AlpacaException">They are not there; the message has the command that installs them.</exception>
    public static string FindModules()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } named
            ? named
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        var parent = Environment.GetEnvironmentVariable("ALPACA_NODE_MODULES") is { Length: > 0 } given ? given : Path.Combine(cache, "alpaca-node");
        var folder = Path.Combine(parent, "llama.cpp");
        return Directory.Exists(Path.Combine(folder, "node_modules", "node-llama-cpp"))
            ? folder
            : throw new AlpacaException($"llama.cpp is not in {folder}; install Node and run `npm install --prefix {folder} --ignore-scripts --omit=optional {Packages}`, or leave --peer out.");
    }

    /// <summary>Writes the model as GGUF and gives the program that runs it.</summary>
    /// <param name="modules">From <see cref="FindModules"/>.</param>
    /// <param name="model">The Hugging Face folder.</param>
    /// <param name="type">One of <see cref="Types"/>.</param>
    /// <param name="folder">Gets the file and the scripts.</param>
    /// <param name="contextLength">Positions of a sequence.</param>
    /// <param name="options">Threads and streams.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    public static async Task<IReadOnlyList<string>> PrepareAsync(
        string modules, string model, string type, string folder, int contextLength, InferenceBenchOptions options, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, $"{type}.gguf");
        var (writer, peer) = (await UnpackAsync("write-gguf.mjs", folder, cancellationToken), await UnpackAsync("peer.mjs", folder, cancellationToken));
        await ChildProcess.RunAsync("node", [writer, model, file, type], cancellationToken);
        return ["node", peer, modules, file, InferenceBenchOptions.Text(options.Threads), InferenceBenchOptions.Text(contextLength), InferenceBenchOptions.Text(options.MostStreams)];
    }

    private static async Task<string> UnpackAsync(string name, string folder, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, name);
        await using var resource = typeof(LlamaCppPeer).Assembly.GetManifestResourceStream($"llama-cpp/{name}")!;
        await using var file = File.Create(path);
        await resource.CopyToAsync(file, cancellationToken);
        return path;
    }
}
