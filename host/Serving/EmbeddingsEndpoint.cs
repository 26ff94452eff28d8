using System.Numerics.Tensors;
using Alpaca.Abstractions;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary><c>POST /v1/embeddings</c>: vectors that stand for texts, of length 1.</summary>
internal sealed class EmbeddingsEndpoint(IServedModels models, RequestReader reader, RequestGate gate, AnswerDeadline deadline)
{
    public async Task HandleAsync(HttpContext context)
    {
        EmbeddingRequest request;
        using (var body = await reader.ReadAsync(context)) request = EmbeddingRequest.Read(body.RootElement);
        using var lease = models.Acquire(request.Model);
        using var place = gate.Enter();
        using var ending = deadline.For(context);

        var limit = lease.Model.Generator.ContextLength;
        var inputs = request.Inputs.Select(input => input.Encode(lease.Model, "input")).ToList();
        if (inputs.FirstOrDefault(ids => ids.Count > limit) is { } tooLong)
            throw new ContextLengthException($"An input has {tooLong.Count} tokens, and the model's context ends at {limit}; shorten it.");
        var vectors = await EmbedAsync(lease, inputs, ending);
        if (request.Dimensions is { } dimensions && dimensions != vectors[0].Length)
            throw ApiException.Invalid($"dimensions is {dimensions}, but the model's embeddings have {vectors[0].Length} and cannot be shortened; leave it out.", "dimensions");

        var items = vectors.Select((vector, i) => new EmbeddingItem("embedding", i, new EmbeddingVector(vector, request.IsBase64)));
        var tokens = inputs.Sum(ids => ids.Count);
        await JsonAnswer.WriteAsync(context, new EmbeddingList("list", [.. items], lease.Served.Name, new EmbeddingUsage(tokens, tokens)), ApiJson.Default.EmbeddingList);
    }

    private static async Task<float[][]> EmbedAsync(ModelLease lease, List<IReadOnlyList<int>> inputs, CancellationTokenSource ending)
    {
        try
        {
            var vectors = await Task.WhenAll(inputs.Select(ids => lease.Model.Generator.EmbedAsync(ids, lease.Adapter, ending.Token)));
            foreach (var vector in vectors) TensorPrimitives.Divide(vector, Math.Max(TensorPrimitives.Norm<float>(vector), 1e-12f), vector);
            return vectors;
        }
        catch (AlpacaException e)
        {
            throw ApiException.Invalid(e.Message, "model"); // the backend or the model has no embeddings
        }
        catch
        {
            await ending.CancelAsync(); // the other inputs
            throw;
        }
    }
}
