using System.CommandLine;
using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Spectre.Console;

namespace Alpaca.Host;

/// <summary><c>alpaca inspect PATH</c>: the tensors in a file or folder; <c>inspect --diff A B</c>: how those of two differ.</summary>
internal static class InspectVerb
{
    public static Command Create(CommandContext context)
    {
        var paths = new Argument<string[]>("path")
        {
            Description = "A .pth, .bin, .safetensors or .onnx file, or a folder of a model, an original checkpoint or an adapter; two with --diff",
            Arity = new ArgumentArity(1, 2),
        };
        paths.RefuseOptions();
        var digests = new Option<bool>("--digests") { Description = "SHA-256 of each tensor's raw little-endian data" };
        var diff = new Option<bool>("--diff") { Description = "Compare two models tensor by tensor: largest absolute difference, count of different elements", Arity = ArgumentArity.Zero };
        var command = new Command("inspect", "List tensors: name, element type, shape, digest; or compare two models") { paths, digests, diff, context.Options.Json };
        command.Validators.Add(result =>
        {
            var given = result.GetResult(paths)?.Tokens.Count ?? 0;
            var isDiff = result.GetValue(diff);
            if (isDiff && given == 1) result.AddError("--diff compares two models; name a second path.");
            if (!isDiff && given == 2) result.AddError("Name one path, or compare two with --diff.");
            if (isDiff && result.GetValue(digests)) result.AddError("--digests does not go with --diff; leave one of them out.");
        });
        command.SetAction((parse, cancellationToken) => parse.GetValue(diff)
            ? DiffAsync(context.Console, parse.GetRequiredValue(paths), parse.GetValue(context.Options.Json), cancellationToken)
            : Task.FromResult(Run(context.Console, parse.GetRequiredValue(paths)[0], parse.GetValue(digests), parse.GetValue(context.Options.Json), cancellationToken)));
        return command;
    }

    private static async Task<int> DiffAsync(CommandConsole console, string[] paths, bool json, CancellationToken cancellationToken)
    {
        using var left = TensorSource.Open(paths[0]);
        using var right = TensorSource.Open(paths[1]);
        var differences = await ProgressDisplay.ShowAsync(console, progress =>
        {
            using var task = progress.Start("comparing", left.Tensors.Sum(t => t.ByteLength), ProgressUnit.Bytes);
            return Task.FromResult(TensorComparison.Compare(left, right, task, cancellationToken));
        });
        if (json) WriteJson(console, differences);
        else Print(console, differences, paths);
        return ExitCodes.Success;
    }

    private static void WriteJson(CommandConsole console, IReadOnlyList<TensorDifference> differences) => JsonOutput.Write(console.Out, new
    {
        same = differences.Count(d => d.IsSame),
        different = differences.Count(d => !d.IsSame),
        tensors = differences.Select(d => new ComparedTensor(
            d.Name, d.IsSame, Side.Of(d.Left), Side.Of(d.Right), d.IsComparable ? d.MaxAbsoluteDifference : null, d.IsComparable ? d.DifferentElements : null)),
    });

    private static void Print(CommandConsole console, IReadOnlyList<TensorDifference> differences, string[] paths)
    {
        var table = Tables.Create("Tensor", "Difference", "Largest", "Elements");
        foreach (var difference in differences.Where(d => !d.IsSame))
        {
            string[] figures = difference.IsComparable
                ? [difference.MaxAbsoluteDifference.ToString("G6", CultureInfo.InvariantCulture), string.Create(CultureInfo.InvariantCulture, $"{difference.DifferentElements:N0} of {difference.Left!.ElementCount:N0}")]
                : ["", ""];
            table.AddTextRow([difference.Name, Explain(difference, paths), .. figures]);
        }

        var different = differences.Count(d => !d.IsSame);
        if (different > 0) console.OutTables.Write(table);
        console.OutTables.WriteLine(different == 0 ? $"All {differences.Count} tensors are the same." : $"{different} of {differences.Count} tensors differ, {differences.Count - different} are the same.");
    }

    private static string Explain(TensorDifference difference, string[] paths) => difference switch
    {
        { Left: null } => $"only in {paths[1]}",
        { Right: null } => $"only in {paths[0]}",
        { IsComparable: false } => $"shape [{string.Join(", ", difference.Left.Shape)}] and [{string.Join(", ", difference.Right.Shape)}]",
        _ when difference.Left.DType != difference.Right.DType => $"{difference.Left.DType.TorchName()} and {difference.Right.DType.TorchName()}",
        _ => "values",
    };

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

    /// <summary>A compared tensor as <c>--json</c> shows it; figures only where the shapes agree.</summary>
    private sealed record ComparedTensor(string Name, bool Same, Side? Left, Side? Right, double? MaxAbsoluteDifference, long? DifferentElements);

    private sealed record Side(string Dtype, IReadOnlyList<long> Shape)
    {
        public static Side? Of(TensorInfo? tensor) => tensor is null ? null : new Side(tensor.DType.TorchName(), tensor.Shape);
    }

    /// <summary>A tensor as <c>--json</c> shows it.</summary>
    private sealed record InspectedTensor(string Name, string Dtype, IReadOnlyList<long> Shape, string? Sha256);
}
