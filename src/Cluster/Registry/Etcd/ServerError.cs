using System.Net;
using System.Text.Json;
using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Etcd;

/// <summary>Turns an error that a server answered into the exception that says what it means to the caller.</summary>
internal static class ServerError
{
    private const int MaximumLength = 4096;

    /// <summary>Reads an answer that is not 200.</summary>
    public static async Task<Exception> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[MaximumLength];
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        try
        {
            if (JsonSerializer.Deserialize(buffer.AsSpan(0, length), EtcdJson.Default.ErrorResponse) is { } error && (error.Message ?? error.Error) is { } text)
                return Explain(error.Code, text);
        }
        catch (JsonException)
        {
            // Not etcd's form: the status has to do.
        }

        var reason = $"it answered with status {(int)response.StatusCode}, which neither etcd nor Lighthouse does; look whether something else listens there";
        return new AttemptFailedException(reason, applied: response.StatusCode is not (HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed));
    }

    /// <summary>An error by gRPC's code and etcd's text.</summary>
    public static Exception Explain(int code, string text) => text switch
    {
        ErrorTexts.LeaseNotFound => new LeaseNotFoundException(0),
        ErrorTexts.Compacted => new CompactedException(0),
        // Refused before it was looked at; another endpoint, or the same one later, may take it.
        ErrorTexts.NoLeader or ErrorTexts.TooManyRequests or ErrorTexts.Learner => new AttemptFailedException(text, applied: false),
        _ => code switch
        {
            GrpcCodes.InvalidArgument or GrpcCodes.OutOfRange => new ArgumentException($"The registry refuses the request: {text}"),
            // Nothing that repeating it elsewhere could mend: a full store, missing rights, a request that is not known there.
            GrpcCodes.ResourceExhausted or GrpcCodes.PermissionDenied or GrpcCodes.Unimplemented => new RegistryUnavailableException($"The registry refuses the request: {text}"),
            _ => new AttemptFailedException(text, applied: true),
        },
    };
}
