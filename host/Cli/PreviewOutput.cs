using Alpaca.Abstractions;
using Spectre.Console;

namespace Alpaca.Host;

/// <summary>Prints training samples as the model will see them.</summary>
internal static class PreviewOutput
{
    /// <summary>Prints a preview: on a terminal what is only read is dimmed, elsewhere what is learned stands between « and ».</summary>
    /// <returns>The exit code.</returns>
    public static int Write(CommandConsole console, DataPreview preview, bool json)
    {
        if (json)
        {
            JsonOutput.Write(console.Out, preview);
            return ExitCodes.Success;
        }

        foreach (var note in preview.Notes) console.Out.WriteLine(note);
        foreach (var sample in preview.Samples)
        {
            console.Out.WriteLine();
            console.Out.WriteLine($"── {sample.Place}: {sample.Tokens} tokens");
            if (console.OutTables.Profile.Capabilities.Ansi) WriteColoured(console.OutTables, sample);
            else console.Out.WriteLine(string.Concat(sample.Spans.Select(span => span.IsLearned ? $"«{span.Text}»" : span.Text)));
        }

        return ExitCodes.Success;
    }

    private static void WriteColoured(IAnsiConsole console, PreviewSample sample)
    {
        foreach (var span in sample.Spans) console.Write(new Spectre.Console.Text(span.Text, span.IsLearned ? new Style(Color.Green) : new Style(decoration: Decoration.Dim)));
        console.WriteLine();
    }
}
