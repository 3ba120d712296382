using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Vni.Actors;
using Vni.Actors.Registry;
using Vni.Cluster.Registry.Etcd;

namespace Vni.Lighthouse.Serving;

/// <summary>An answer that says no, in etcd's form.</summary>
/// <param name="Status">HTTP's status.</param>
/// <param name="Code">gRPC's code.</param>
/// <param name="Text">Why.</param>
internal sealed record Refusal(int Status, int Code, string Text)
{
    internal static Refusal NotFound { get; } = new(StatusCodes.Status404NotFound, GrpcCodes.Unimplemented, "Not Found: Lighthouse serves a part of etcd's API only");

    internal static Refusal WrongMethod { get; } = new(StatusCodes.Status405MethodNotAllowed, GrpcCodes.Unimplemented, "Method Not Allowed");

    internal static Refusal TooManyWatches { get; } = new(StatusCodes.Status429TooManyRequests, GrpcCodes.ResourceExhausted, ErrorTexts.TooManyRequests);

    internal static Refusal NotAllowed { get; } = new(StatusCodes.Status403Forbidden, GrpcCodes.PermissionDenied, ErrorTexts.PermissionDenied);

    /// <summary>What an exception means to the client.</summary>
    internal static Refusal Of(Exception e) => e switch
    {
        LeaseNotFoundException => new(StatusCodes.Status404NotFound, GrpcCodes.NotFound, ErrorTexts.LeaseNotFound),
        CompactedException => new(StatusCodes.Status400BadRequest, GrpcCodes.OutOfRange, ErrorTexts.Compacted),
        RegistryUnavailableException => new(StatusCodes.Status503ServiceUnavailable, GrpcCodes.Unavailable, e.Message),
        VniException => NotAllowed, // A certificate of the authority, but not of a member.
        ObjectDisposedException => new(StatusCodes.Status503ServiceUnavailable, GrpcCodes.Unavailable, ErrorTexts.Stopped),
        JsonException => new(StatusCodes.Status400BadRequest, GrpcCodes.InvalidArgument, $"the body is not a request that is known here: {e.Message}"),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new(StatusCodes.Status400BadRequest, GrpcCodes.InvalidArgument, ErrorTexts.TooLarge),
        BadHttpRequestException bad => new(bad.StatusCode, GrpcCodes.InvalidArgument, bad.Message),
        ArgumentException => new(StatusCodes.Status400BadRequest, GrpcCodes.InvalidArgument, e.Message),
        _ => new(StatusCodes.Status500InternalServerError, GrpcCodes.Internal, "Lighthouse met a defect; its log has the details"),
    };

    internal byte[] ToJson() =>
        JsonSerializer.SerializeToUtf8Bytes(new ErrorResponse { Error = Text, Message = Text, Code = Code }, EtcdJson.Default.ErrorResponse);
}
