using System.Buffers;

namespace Alpaca.Host;

/// <summary>Tells addresses from paths, for options that take both.</summary>
internal static class SourceAddress
{
    private static readonly SearchValues<char> SchemeCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

    /// <summary>Whether a text is an address: <c>https://host/path</c>, <c>file:///path</c>, <c>hf:owner/name</c>. <c>C:\path</c> is none: a scheme has two letters or more.</summary>
    public static bool IsAddress(string source)
    {
        if (source.Contains("://", StringComparison.Ordinal)) return true;
        var colon = source.IndexOf(':', StringComparison.Ordinal);
        return colon > 1 && char.IsAsciiLetter(source[0]) && source.AsSpan(0, colon).IndexOfAnyExcept(SchemeCharacters) < 0;
    }

    /// <summary>An address without its query: a presigned one gets a new signature each time, and a signature belongs in no record.</summary>
    public static string WithoutSignature(string address) => address.Split('?', '#')[0];
}
