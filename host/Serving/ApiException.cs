using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary>A request that cannot be answered, as its client gets to know.</summary>
internal sealed class ApiException(int status, string message, string type, string? param = null, JsonNode? code = null, int? retryAfterSeconds = null) : Exception(message)
{
    public const string InvalidRequest = "invalid_request_error";

    /// <summary>The HTTP status.</summary>
    public int Status { get; } = status;

    /// <summary>After how many seconds it is worth trying again, where it is.</summary>
    public int? RetryAfterSeconds { get; } = retryAfterSeconds;

    public ApiErrorBody Body { get; } = new(new ApiError(message, type, param, code));

    public static ApiException Invalid(string message, string? param = null, string? code = null) => new(StatusCodes.Status400BadRequest, message, InvalidRequest, param, code);
}
