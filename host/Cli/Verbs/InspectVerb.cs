using System.CommandLine;
using System.Globalization;
using Alpaca.Formats;
using Spectre.Console;

namespace Alpaca.Host;

/// <summary><c>alpaca inspect PATH</c>: the tensors in a file or folder.</summary>
internal static class InspectVerb
{
    public static Command Create(CommandContext context)
    {
        var path = new Argument<string>("path") { Description = "A .pth, .bin, .safetensors or .onnx file, or a folder of a model or an adapter" };
        var digests = new Option<bool>("--digests") { Description = "SHA-256 of each tensor's raw little-endian data" };
        var command = new Command("inspect", "List tensors: name, element type, shape, digest") { path, digests, context.Options.Json };
        command.SetAction((parse, cancellationToken) => Task.FromResult(
            Run(context.Console, parse.GetRequiredValue(path), parse.GetValue(digests), parse.GetValue(context.Options.Json), cancellationToken)));
        return command;
    }

    private static int Run(CommandConsole console, string path, bool withDigests, bool json, CancellationToken cancellationToken)
    {
        using var source = TensorSource.Open(path);
        var tensors = new List<InspectedTensor>();
        foreach (var tensor in source.Tensors)
        {
            cancellationToken.ThrowIfCancellationRequested();
            tensors.Add(new InspectedTensor(tensor.Name, tensor.DType.TorchName(), tensor.Shape, withDigests ? source.Sha256(tensor) : null));
        }

        if (json) JsonOutput.Write(console.Out, new { tensors });
        else Print(console, tensors, withDigests, source);
        return ExitCodes.Success;
    }

    private static void Print(CommandConsole console, List<InspectedTensor> tensors, bool withDigests, ITensorSource source)
    {
        var table = withDigests ? Tables.Create("Tensor", "Type", "Shape", "SHA-256") : Tables.Create("Tensor", "Type", "Shape");
        foreach (var tensor in tensors)
        {
            string[] cells = [tensor.Name, tensor.Dtype, $"[{string.Join(", ", tensor.Shape)}]"];
            table.AddTextRow(tensor.Sha256 is null ? cells : [.. cells, tensor.Sha256]);
        }

        console.OutTables.Write(table);
        var bytes = source.Tensors.Sum(t => t.ByteLength);
        console.OutTables.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{tensors.Count} tensors, {source.Tensors.Sum(t => t.ElementCount):N0} elements, {bytes / 1e6:N1} MB"));
    }

    /// <summary>A tensor as <c>--json</c> shows it.</summary>
    private sealed record InspectedTensor(string Name, string Dtype, IReadOnlyList<long> Shape, string? Sha256);
}
