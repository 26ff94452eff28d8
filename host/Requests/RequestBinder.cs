using System.ComponentModel.DataAnnotations;
using System.Reflection;

namespace Alpaca.Host;

/// <summary>Makes a stage's request from text and checks it, reporting everything that is wrong at once.</summary>
public static class RequestBinder
{
    /// <summary>Creates a request.</summary>
    /// <param name="requestType">The request's type.</param>
    /// <param name="values">The given values by option name, compared without case. The values of a list option may themselves be lists (<see cref="OptionList"/>).</param>
    /// <param name="errors">Gets one sentence for each problem: an unknown option, a missing one, a text that cannot be read, a value out of range.</param>
    /// <param name="nameForErrors">How the user calls an option, for example <c>--lora-rank</c> or the full configuration key.</param>
    /// <returns>The request; not to be used when there were errors.</returns>
    public static object Bind(
        Type requestType, IReadOnlyDictionary<string, IReadOnlyList<string>> values, ICollection<string> errors, Func<string, string> nameForErrors)
    {
        ArgumentNullException.ThrowIfNull(requestType);
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(errors);
        ArgumentNullException.ThrowIfNull(nameForErrors);
        var options = RequestSchema.Describe(requestType);
        var properties = RequestSchema.Properties(requestType).ToDictionary(p => p.Name);
        var request = Activator.CreateInstance(requestType)!;
        var unreadable = new HashSet<string>();

        foreach (var (name, texts) in values)
        {
            var option = options.FirstOrDefault(o => o.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (option is null)
            {
                var nearest = NearestName.Find(name, options.Select(o => o.Name));
                errors.Add($"{nameForErrors(name)} is not an option of this stage{(nearest is null ? "." : $"; did you mean {nameForErrors(nearest)}?")}");
            }
            else if (!TrySet(request, properties[option.Name], option, texts, out var problem))
            {
                errors.Add($"{nameForErrors(option.Name)} {problem}");
                unreadable.Add(option.Name);
            }
        }

        foreach (var option in options.Where(o => !unreadable.Contains(o.Name)))
            Validate(request, properties[option.Name], option, errors, nameForErrors(option.Name));
        return request;
    }

    private static bool TrySet(object request, PropertyInfo property, RequestOption option, IReadOnlyList<string> texts, out string problem)
    {
        problem = "";
        if (!option.IsList && texts.Count != 1)
        {
            problem = texts.Count == 0 ? "has no value." : $"is given {texts.Count} times; it takes one value.";
            return false;
        }

        var parts = option.IsList ? texts.SelectMany(OptionList.Split).ToList() : texts;
        var parsed = Array.CreateInstance(option.Type, parts.Count);
        for (var i = 0; i < parts.Count; i++)
        {
            if (!OptionValue.TryParse(option.Type, parts[i], out var value, out var expected))
            {
                problem = $"is '{parts[i]}'; it must be {expected}.";
                return false;
            }

            parsed.SetValue(value, i);
        }

        property.SetValue(request, option.IsList ? AsList(parsed, property.PropertyType, option.Type) : parsed.GetValue(0));
        return true;
    }

    internal static object AsList(Array values, Type listType, Type elementType)
        => listType.IsInstanceOfType(values) ? values : Activator.CreateInstance(typeof(List<>).MakeGenericType(elementType), values)!;

    private static void Validate(object request, PropertyInfo property, RequestOption option, ICollection<string> errors, string name)
    {
        var value = property.GetValue(request);
        // With the display name given, ValidationContext asks no TypeDescriptor.
        var context = new ValidationContext(request, name, null, null) { MemberName = property.Name };
        foreach (var rule in property.GetCustomAttributes<ValidationAttribute>())
        {
            if (rule.GetValidationResult(value, context) is not { } failure) continue;
            errors.Add(rule switch
            {
                RequiredAttribute or MinLengthAttribute { Length: 1 } when value is null or "" or System.Collections.ICollection { Count: 0 } => $"{name} is missing: {Wanted(option)}.",
                RangeAttribute range => $"{name} is {value}; it must be from {range.Minimum} to {range.Maximum}.",
                _ => failure.ErrorMessage ?? $"{name} is not valid.",
            });
            return;
        }
    }

    private static string Wanted(RequestOption option) => option.Description.Length > 0 ? option.Description : $"a value for {option.KebabName} is needed";
}
