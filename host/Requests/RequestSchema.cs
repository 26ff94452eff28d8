using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Reads a stage's options off its request type.</summary>
/// <remarks>
/// Nothing is cached, and neither TypeDescriptor nor a reflecting serializer is used: each of them keeps a plugin's types, and so the plugin, in memory.
/// </remarks>
public static class RequestSchema
{
    /// <summary>The options, in the order in which the properties are declared.</summary>
    /// <exception cref="AlpacaException">A property has a type that cannot be written in configuration.</exception>
    public static IReadOnlyList<RequestOption> Describe(Type requestType)
    {
        ArgumentNullException.ThrowIfNull(requestType);
        var defaults = Activator.CreateInstance(requestType)!;
        return [.. Properties(requestType).Select(p => Describe(p, defaults))];
    }

    /// <summary>The request properties that are options: public, and settable or init-only.</summary>
    internal static IEnumerable<PropertyInfo> Properties(Type requestType)
        => requestType.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p is { CanRead: true, SetMethod.IsPublic: true } && p.GetIndexParameters().Length == 0);

    /// <summary><c>ChineseSpModelFile</c> becomes <c>chinese-sp-model-file</c>.</summary>
    internal static string ToKebabCase(string name)
    {
        var kebab = new StringBuilder();
        for (var i = 0; i < name.Length; i++)
        {
            var startsWord = i > 0 && char.IsUpper(name[i]) && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1])));
            if (startsWord) kebab.Append('-');
            kebab.Append(char.ToLowerInvariant(name[i]));
        }

        return kebab.ToString();
    }

    private static RequestOption Describe(PropertyInfo property, object defaults)
    {
        var listOf = ListElement(property.PropertyType);
        var type = listOf ?? property.PropertyType;
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (!OptionValue.IsSupported(type))
        {
            throw new AlpacaException(
                $"{property.DeclaringType!.Name}.{property.Name} is a {property.PropertyType.Name}; options are strings, numbers, truth values, time spans, enumerations and lists of them.");
        }

        var required = property.GetCustomAttribute<RequiredAttribute>() is not null;
        var value = property.GetValue(defaults);
        var isGiven = value is not (null or "" or System.Collections.ICollection { Count: 0 });
        var path = property.GetCustomAttribute<PathInputAttribute>();
        var artifact = property.GetCustomAttribute<ArtifactInputAttribute>();
        return new RequestOption(
            property.Name,
            ToKebabCase(property.Name),
            type,
            listOf is not null,
            required && !isGiven,
            isGiven ? value : null,
            property.GetCustomAttribute<DescriptionAttribute>()?.Description ?? "",
            OptionValue.AllowedValues(type))
        {
            IsPath = path is not null || artifact is not null,
            AllowUrl = path?.AllowUrl ?? false,
            IsResultNeutral = property.GetCustomAttribute<ResultNeutralAttribute>() is not null,
            ArtifactKinds = artifact?.Kinds ?? [],
            IsWiredByDefault = artifact is { Explicit: false },
            MadeFrom = artifact?.MadeFrom,
        };
    }

    /// <summary>The element type of a list property that an array or a <see cref="List{T}"/> can be assigned to.</summary>
    private static Type? ListElement(Type type)
    {
        if (type.IsArray) return type.GetElementType();
        if (!type.IsGenericType || type.GetGenericArguments() is not [var element] || type.IsValueType) return null;
        return type.IsAssignableFrom(typeof(List<>).MakeGenericType(element)) ? element : null;
    }
}
