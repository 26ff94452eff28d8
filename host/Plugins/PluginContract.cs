using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>What an assembly file says about itself, read from its metadata without loading it.</summary>
/// <param name="Version">The informational version without build metadata (<c>+commit</c>), else the assembly version.</param>
/// <param name="Abstractions">The version of Alpaca.Abstractions it was compiled against; <see langword="null"/> when it does not refer to it.</param>
/// <param name="References">The assemblies that it refers to.</param>
/// <param name="EntryType">Its class that names <see cref="IPlugin"/> among its interfaces; <see langword="null"/> where that is not exactly one.</param>
internal sealed record PluginContract(string Version, Version? Abstractions, IReadOnlyList<string> References, string? EntryType)
{
    private const string AbstractionsName = "Alpaca.Abstractions";

    /// <summary>The contract version this host offers.</summary>
    public static Version Offered { get; } = typeof(IPlugin).Assembly.GetName().Version!;

    /// <summary>Why a plugin with this contract cannot run here, or <see langword="null"/> when it can.</summary>
    public string? WhyIncompatible => Abstractions switch
    {
        null => $"It does not refer to {AbstractionsName}, so it is no plugin of this host.",
        var v when v.Major != Offered.Major => $"It was built against {AbstractionsName} {v}, and this host offers {Offered}; rebuild it against version {Offered.Major}.x.",
        var v when v > Offered => $"It was built against {AbstractionsName} {v}, which is newer than this host's {Offered}; update the host.",
        _ => null,
    };

    /// <exception cref="BadImageFormatException">The file is not a .NET assembly.</exception>
    public static PluginContract Read(string assemblyFile)
    {
        using var stream = File.OpenRead(assemblyFile);
        using var image = new PEReader(stream);
        if (!image.HasMetadata) throw new BadImageFormatException();
        var metadata = image.GetMetadataReader();
        if (!metadata.IsAssembly) throw new BadImageFormatException();

        var references = metadata.AssemblyReferences.Select(metadata.GetAssemblyReference).ToList();
        var abstractions = references.Where(r => metadata.StringComparer.Equals(r.Name, AbstractionsName)).Select(r => r.Version).FirstOrDefault();
        var version = InformationalVersion(metadata) ?? metadata.GetAssemblyDefinition().Version.ToString();
        var entries = metadata.TypeDefinitions.Select(metadata.GetTypeDefinition).Where(type => IsEntry(metadata, type)).Take(2).Select(type => NameOf(metadata, type.Namespace, type.Name)).ToList();
        return new PluginContract(version.Split('+')[0], abstractions, references.ConvertAll(r => metadata.GetString(r.Name)), entries.Count == 1 ? entries[0] : null);
    }

    private static bool IsEntry(MetadataReader metadata, TypeDefinition type)
        => (type.Attributes & (TypeAttributes.Abstract | TypeAttributes.Interface)) == 0 && !type.IsNested && type.GetInterfaceImplementations().Any(handle =>
            metadata.GetInterfaceImplementation(handle).Interface is { Kind: HandleKind.TypeReference } named
            && metadata.GetTypeReference((TypeReferenceHandle)named) is var reference && NameOf(metadata, reference.Namespace, reference.Name) == typeof(IPlugin).FullName);

    private static string NameOf(MetadataReader metadata, StringHandle space, StringHandle name) => space.IsNil ? metadata.GetString(name) : $"{metadata.GetString(space)}.{metadata.GetString(name)}";

    private static string? InformationalVersion(MetadataReader metadata)
    {
        foreach (var handle in metadata.GetAssemblyDefinition().GetCustomAttributes())
        {
            var attribute = metadata.GetCustomAttribute(handle);
            if (attribute.Constructor.Kind != HandleKind.MemberReference) continue;
            var parent = metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent;
            if (parent.Kind != HandleKind.TypeReference) continue;
            if (!metadata.StringComparer.Equals(metadata.GetTypeReference((TypeReferenceHandle)parent).Name, "AssemblyInformationalVersionAttribute")) continue;
            var value = metadata.GetBlobReader(attribute.Value);
            value.ReadUInt16(); // prolog (ECMA-335 II.23.3)
            return value.ReadSerializedString();
        }

        return null;
    }
}
