using System.Reflection;

namespace Alpaca.Abstractions.Tests;

/// <summary>The types of the contract, found by what they are, so that new ones are tested too.</summary>
internal static class Contracts
{
    /// <summary>The assembly.</summary>
    public static Assembly Assembly { get; } = typeof(IPlugin).Assembly;

    /// <summary>The requests of the built-in stages.</summary>
    public static IReadOnlyList<Type> Requests { get; } = Concrete(type => type.Name.EndsWith("Request", StringComparison.Ordinal));

    /// <summary>The artifacts of the built-in stages.</summary>
    public static IReadOnlyList<Type> Artifacts { get; } = Concrete(type => type.IsSubclassOf(typeof(Artifact)));

    /// <summary>Everything with properties that have defaults.</summary>
    public static IReadOnlyList<Type> WithDefaults { get; } = [.. Requests, .. Artifacts, typeof(GenerationOptions), typeof(InferenceOptions), typeof(PathInputAttribute), typeof(ArtifactInputAttribute), typeof(AlpacaException)];

    /// <summary>The settable properties.</summary>
    public static IEnumerable<PropertyInfo> PropertiesOf(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.SetMethod is { IsPublic: true });

    /// <summary>One of a type, with its defaults.</summary>
    public static object Create(Type type) => type == typeof(ArtifactInputAttribute) ? new ArtifactInputAttribute() : Activator.CreateInstance(type)!;

    private static Type[] Concrete(Func<Type, bool> isWanted) => [.. Assembly.GetExportedTypes().Where(type => !type.IsAbstract && isWanted(type))];
}
