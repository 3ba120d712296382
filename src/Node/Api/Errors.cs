using System.Net.Mime;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Vni.Actors;
using Vni.Actors.Messages;
using Vni.Actors.Messaging;

namespace Vni.Node.Api;

/// <summary>Answers whatever goes wrong with an <see cref="ErrorView"/>, and logs every request.</summary>
internal sealed class Errors(RequestDelegate next, TimeProvider clock, ILogger<Errors> log)
{
    /// <summary>The HTTP status of an error code.</summary>
    internal static int StatusOf(string code) => code switch
    {
        ErrorCodes.InvalidArgument or ErrorCodes.AddressOutOfRange or ErrorCodes.CommandNotFound or ErrorCodes.CommandNotExecutable
            or ErrorCodes.RootNotFound or ErrorCodes.UserNotFound or ErrorCodes.WorkdirNotFound => StatusCodes.Status400BadRequest,
        ErrorCodes.Forbidden => StatusCodes.Status403Forbidden,
        ErrorCodes.NotFound or ErrorCodes.SnapshotNotFound or ErrorCodes.UnknownResource or ErrorCodes.ForeignResource => StatusCodes.Status404NotFound,
        ErrorCodes.NameInUse or ErrorCodes.AddressInUse or ErrorCodes.HostnameInUse or ErrorCodes.RangeExhausted
            or ErrorCodes.WrongState or ErrorCodes.NotReady or ErrorCodes.Busy or ErrorCodes.Conflict
            or ErrorCodes.NotDumpable or ErrorCodes.Incompatible or ErrorCodes.SnapshotDamaged => StatusCodes.Status409Conflict,
        ErrorCodes.NodeIncapable or ErrorCodes.DaemonUnavailable or ErrorCodes.RegistryUnavailable => StatusCodes.Status503ServiceUnavailable,
        ErrorCodes.NoSpace => StatusCodes.Status507InsufficientStorage,
        _ => StatusCodes.Status500InternalServerError,
    };

    /// <summary>Runs the rest of the pipeline.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var started = clock.GetTimestamp();
        var (method, path) = (context.Request.Method, context.Request.Path.Value ?? "");
        try
        {
            await next(context);
            if (!context.Response.HasStarted && context.Response is { StatusCode: >= 400, ContentLength: null } and not { ContentType: not null })
                await AnswerAsync(context, context.Response.StatusCode, Describe(context));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return; // Nobody is there to be told.
        }
        catch (Exception e)
        {
            var (status, error) = Explain(e);
            if (status >= StatusCodes.Status500InternalServerError) log.Failed(e, method, path);
            else log.Refused(method, path, error.Code, error.Message);
            if (context.Response.HasStarted)
            {
                context.Abort(); // The client must not take a cut answer for a whole one.
                return;
            }

            context.Response.Clear();
            await AnswerAsync(context, status, error);
            return;
        }

        var elapsed = clock.GetElapsedTime(started).TotalMilliseconds;
        if (HttpMethods.IsGet(method)) log.Read(method, path, context.Response.StatusCode, elapsed);
        else log.Changed(method, path, context.Response.StatusCode, elapsed);
    }

    private static (int Status, ErrorBody Error) Explain(Exception e) => e switch
    {
        VniException known => (StatusOf(known.Code), ErrorBody.Of(known)),
        PeerUnreachableException or PeerSilentException => (StatusCodes.Status503ServiceUnavailable, new ErrorBody(ErrorCodes.DaemonUnavailable, e.Message)),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } =>
            (StatusCodes.Status413PayloadTooLarge, new ErrorBody(ErrorCodes.InvalidArgument, $"the request's body is too large: send at most {RequestBody.MaximumSize} bytes")),
        BadHttpRequestException bad => (bad.StatusCode, new ErrorBody(ErrorCodes.InvalidArgument, $"the request is not valid: {bad.Message.TrimEnd('.')}")),
        _ => (StatusCodes.Status500InternalServerError, new ErrorBody(ErrorCodes.Internal, $"the daemon met a defect ({e.GetType().Name}); its log has the details")),
    };

    /// <summary>What a status without a body means, which routing set.</summary>
    private static ErrorBody Describe(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => new ErrorBody(ErrorCodes.NotFound, $"there is nothing at {context.Request.Path}; GET /openapi.json lists what there is"),
        StatusCodes.Status405MethodNotAllowed => new ErrorBody(ErrorCodes.InvalidArgument, $"{context.Request.Method} cannot be used on {context.Request.Path}; use {context.Response.Headers.Allow}"),
        StatusCodes.Status415UnsupportedMediaType => new ErrorBody(ErrorCodes.InvalidArgument, "the body must be JSON: send 'Content-Type: application/json'"),
        var status => new ErrorBody(ErrorCodes.InvalidArgument, $"the request is not valid (status {status})"),
    };

    private static async Task AnswerAsync(HttpContext context, int status, ErrorBody error)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = MediaTypeNames.Application.Json;
        await context.Response.Body.WriteAsync(ApiJson.Serialize(new ErrorView(error)), CancellationToken.None);
    }
}
