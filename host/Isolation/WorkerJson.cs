using System.Text.Json;
using System.Text.Json.Serialization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The JSON between the service and its stage workers, one document a line.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StageOrder))]
[JsonSerializable(typeof(WorkerMessage))]
internal sealed partial class WorkerJson : JsonSerializerContext
{
    public static string Write(StageOrder order) => JsonSerializer.Serialize(order, Default.StageOrder);

    public static string Write(WorkerMessage message) => JsonSerializer.Serialize(message, Default.WorkerMessage);

    /// <exception cref="AlpacaUsageException">The line is no order.</exception>
    public static StageOrder ReadOrder(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, Default.StageOrder) ?? throw NoOrder(null);
        }
        catch (JsonException e)
        {
            throw NoOrder(e);
        }
    }

    /// <summary>What is said to somebody who starts a worker by hand.</summary>
    public static AlpacaUsageException NoOrder(Exception? cause) => new("There is no order on standard input; `alpaca serve` starts stage workers by itself.", cause);

    /// <returns>The message, or <see langword="null"/> when the line is something else.</returns>
    public static WorkerMessage? TryReadMessage(string line)
    {
        if (!line.StartsWith("{\"is\":", StringComparison.Ordinal)) return null;
        try
        {
            return JsonSerializer.Deserialize(line, Default.WorkerMessage);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
