using System.Collections;
using System.Globalization;

namespace Alpaca.Host;

/// <summary>Option values as one would type them.</summary>
internal static class OptionText
{
    public static string Of(object value) => value switch
    {
        bool or Enum => value.ToString()!.ToLowerInvariant(),
        string text => text,
        IEnumerable list => string.Join(',', list.Cast<object>().Select(Of)),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
