using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using Alpaca.Abstractions;

namespace Acme.Mishaps;

/// <summary>Options of the stage <c>acme-inventory</c>.</summary>
public sealed record InventoryRequest
{
    /// <summary>The folder whose files are listed.</summary>
    [Required, PathInput, Description("Folder to list")]
    public string Folder { get; init; } = "";
}

/// <summary>A list of files.</summary>
public sealed record InventoryArtifact : Artifact
{
    /// <inheritdoc />
    public override string Kind => "inventory";
}

/// <summary>Reads every file of a folder, and notes the digest of what it read in <c>inventory.txt</c>, a line each.</summary>
public sealed class InventoryStage : IStage<InventoryRequest, InventoryArtifact>
{
    /// <inheritdoc />
    public async Task<InventoryArtifact> ExecuteAsync(InventoryRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        var digests = new List<string>();
        foreach (var file in Directory.EnumerateFiles(request.Folder).Order(StringComparer.Ordinal))
            digests.Add(Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(file, cancellationToken))));
        await File.WriteAllLinesAsync(Path.Combine(context.OutputFolder, "inventory.txt"), digests, cancellationToken);
        return new InventoryArtifact { Metrics = new Dictionary<string, double> { ["files"] = digests.Count } };
    }
}
