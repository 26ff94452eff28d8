using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using static TorchSharp.torch;

namespace Acme.TorchStage;

/// <summary>A third party's plugin that computes with TorchSharp.</summary>
public sealed class TorchStagePlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration)
        => services.AddStage<GramStage, GramRequest, GramArtifact>("acme-gram");
}

/// <summary>Options of the stage.</summary>
public sealed record GramRequest
{
    /// <summary>A vector.</summary>
    [Required, MinLength(1), Description("The numbers of a vector")]
    public IReadOnlyList<double> Values { get; init; } = [];
}

/// <summary>The Gram matrix of a vector.</summary>
public sealed record GramArtifact : Artifact
{
    /// <inheritdoc />
    public override string Kind => "acme-gram";

    /// <summary>Rows and columns.</summary>
    public int Size { get; init; }
}

/// <summary>Computes v vᵀ and writes its trace, which is the squared length of v.</summary>
public sealed class GramStage : IStage<GramRequest, GramArtifact>
{
    /// <inheritdoc />
    public Task<GramArtifact> ExecuteAsync(GramRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        using var scope = NewDisposeScope();
        var vector = tensor(request.Values.ToArray());
        var trace = outer(vector, vector).trace().item<double>();
        File.WriteAllText(Path.Combine(context.OutputFolder, "trace.txt"), trace.ToString(CultureInfo.InvariantCulture));
        return Task.FromResult(new GramArtifact { Size = request.Values.Count, Metrics = new Dictionary<string, double> { ["trace"] = trace } });
    }
}
