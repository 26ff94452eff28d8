namespace Alpaca.Download;

/// <summary>Addresses as they may be shown: without query, fragment and user, where secrets are.</summary>
internal static class PublicAddress
{
    /// <summary>The scheme, host, port and path.</summary>
    public static string Of(Uri address) => address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    /// <summary>The same of a pattern, which keeps its <c>*</c>.</summary>
    public static string Of(string address) => Uri.TryCreate(address, UriKind.Absolute, out var uri) ? Of(uri) : address.Split('?', '#')[0];

    /// <summary>Whether two addresses have the same scheme, host and port, so that what one may know the other may.</summary>
    public static bool SameOrigin(Uri one, Uri other)
        => one.Scheme == other.Scheme && one.Port == other.Port && string.Equals(one.IdnHost, other.IdnHost, StringComparison.OrdinalIgnoreCase);
}
