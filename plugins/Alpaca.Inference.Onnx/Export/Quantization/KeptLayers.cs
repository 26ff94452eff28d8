using System.Text.RegularExpressions;
using Alpaca.Abstractions;

namespace Alpaca.Inference.Onnx;

/// <summary>Matrices that are stored in another precision than the rest: a pattern of their names, and the precision.</summary>
/// <param name="Text">The pattern, as it was given.</param>
/// <param name="Precision">What they are stored in.</param>
internal sealed record KeptLayers(string Text, Precision Precision)
{
    /// <summary>Reads <c>pattern</c> or <c>pattern=precision</c>.</summary>
    /// <param name="text">The option's value.</param>
    /// <param name="otherwise">The precision where none is given.</param>
    /// <returns>The layers, or what is wrong with the text.</returns>
    public static (KeptLayers? Layers, string? Problem) Parse(string text, Precision otherwise)
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        var pattern = (at < 0 ? text : text[..at]).Trim();
        if (pattern.Length == 0) return (null, $"'{text}' names no layer");
        if (at < 0) return (new KeptLayers(pattern, otherwise), null);
        var name = text[(at + 1)..].Trim();
        return Enum.TryParse<Precision>(name, ignoreCase: true, out var precision) && Enum.IsDefined(precision) && !int.TryParse(name, out _)
            ? (new KeptLayers(pattern, precision), null)
            : (null, $"'{text}' asks for the precision '{name}', which there is not");
    }

    /// <summary>Whether a layer is meant: the pattern's words are words of the name, one after the other. <c>layers.1</c> does not mean <c>layers.11</c>; <c>*</c> stands for any characters of a word.</summary>
    public bool Match(string module)
        => Regex.IsMatch(module, $@"(^|\.){Regex.Escape(Text).Replace(@"\*", @"[^.]*", StringComparison.Ordinal)}(\.|$)", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
