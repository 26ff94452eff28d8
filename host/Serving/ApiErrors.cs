using Alpaca.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Answers whatever goes wrong in the form that clients of OpenAI's interface read; never with a stack trace.</summary>
internal sealed class ApiErrors(ILogger<ApiErrors> log)
{
    private const string ServerError = "server_error";

    /// <summary>The middleware.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
            if (context.Response.HasStarted) return;
            if (context.Response.StatusCode == StatusCodes.Status404NotFound)
                await WriteAsync(context, new ApiException(404, $"There is no {context.Request.Path}; the API is below /v1.", ApiException.InvalidRequest, code: "unknown_url"));
            else if (context.Response.StatusCode == StatusCodes.Status405MethodNotAllowed)
                await WriteAsync(context, new ApiException(405, $"{context.Request.Path} does not take {context.Request.Method}, only {context.Response.Headers.Allow}.", ApiException.InvalidRequest, code: "method_not_allowed"));
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            log.ClientLeft(context.Request.Path);
        }
        catch (Exception e)
        {
            var error = Describe(e);
            if (context.Response.HasStarted) throw; // Kestrel cuts the connection, so that the client does not take half an answer for a whole one.
            await WriteAsync(context, error);
        }
    }

    /// <summary>What the client gets to know of an exception. The rest goes to the log.</summary>
    public ApiException Describe(Exception exception)
    {
        switch (exception)
        {
            case ApiException e:
                return e;
            case ModelUnavailableException e:
                return new ApiException(503, e.Message, "unavailable_error", code: 503, retryAfterSeconds: 2);
            case UnknownModelException e:
                return new ApiException(404, e.Message, ApiException.InvalidRequest, "model", "model_not_found");
            case ContextLengthException e:
                return ApiException.Invalid(e.Message, code: "context_length_exceeded");
            case BadHttpRequestException e:
                return new ApiException(e.StatusCode, e.Message, ApiException.InvalidRequest);
            case AlpacaUsageException e:
                return ApiException.Invalid(e.Message);
            case OperationCanceledException or ObjectDisposedException:
                return new ApiException(503, "The server is stopping, or has put another model in the place of this one; ask again.", "unavailable_error", code: 503, retryAfterSeconds: 2);
            case AlpacaException e:
                log.RequestFailed(e.Message, null);
                return new ApiException(500, e.Message, ServerError);
            default:
                log.RequestFailed(exception.Message, exception);
                return new ApiException(500, "The server failed to answer; its log says why.", ServerError, code: "internal_error");
        }
    }

    private static async Task WriteAsync(HttpContext context, ApiException error)
    {
        context.Response.StatusCode = error.Status;
        if (error.RetryAfterSeconds is { } seconds) context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await JsonAnswer.WriteAsync(context, error.Body, ApiJson.Default.ApiErrorBody);
    }
}
