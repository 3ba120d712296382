using System.Net.Mime;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Vni.Actors.Registry;
using Vni.Actors.Security;
using Vni.Cluster.Registry.Etcd;
using Vni.Lighthouse.Configuration;

namespace Vni.Lighthouse.Serving;

/// <summary>What each path does. Whatever a client sends is answered, in etcd's form; nothing of it ends the server.</summary>
internal sealed class RegistryRoutes(IRegistry registry, IRegistryStatus status, LimitOptions limits, ILogger log, CancellationToken stopping)
{
    /// <summary>The oldest API that has all of this.</summary>
    private const string ApiVersion = "3.4.0";

    /// <summary>etcd's longest lease.</summary>
    private const long LongestLease = 9_000_000_000;

    private int _watches;

    /// <summary>Answers one request.</summary>
    internal async Task ServeAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        try
        {
            if (Objection(context, path) is { } refusal)
            {
                await RefuseAsync(context, refusal);
                return;
            }

            await RouteAsync(context, path);
            log.Answered(Peer(context), path);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be told.
        }
        catch (Exception e)
        {
            var refusal = Refusal.Of(e);
            if (refusal.Status >= StatusCodes.Status500InternalServerError) log.Failed(Peer(context), path, e);
            if (context.Response.HasStarted) context.Abort(); // The client must not take a cut answer for a whole one.
            else await RefuseAsync(context, refusal);
        }
    }

    private static Refusal? Objection(HttpContext context, string path)
    {
        var reads = path is EtcdPaths.Version or EtcdPaths.Health;
        if (!(reads ? HttpMethods.IsGet(context.Request.Method) : HttpMethods.IsPost(context.Request.Method)))
            return path.StartsWith("/v3/", StringComparison.Ordinal) || reads ? Refusal.WrongMethod : Refusal.NotFound;
        if (context.Connection.ClientCertificate is not { } certificate) return null; // Plain HTTP: with TLS there always is one.
        // People look; nodes change. What a person wants changed, a node does for them.
        var looks = reads || path is EtcdPaths.Range or EtcdPaths.LeaseTimeToLive or EtcdPaths.LeaseTimeToLiveAlias or EtcdPaths.Watch or EtcdPaths.Status;
        return FarmTls.IdentityOf(certificate).Role == PeerRole.Operator && !looks ? Refusal.NotAllowed : null;
    }

    private Task RouteAsync(HttpContext context, string path)
    {
        var (read, write) = (EtcdJson.Strict, EtcdJson.Default);
        return path switch
        {
            EtcdPaths.Range => AnswerAsync(context, read.RangeRequest, RangeAsync, write.RangeResponse),
            EtcdPaths.Txn => AnswerAsync(context, read.TxnRequest, TransactAsync, write.TxnResponse),
            EtcdPaths.Put => AnswerAsync(context, read.PutRequest, PutAsync, write.PutResponse),
            EtcdPaths.DeleteRange => AnswerAsync(context, read.DeleteRangeRequest, DeleteAsync, write.DeleteRangeResponse),
            EtcdPaths.LeaseGrant => AnswerAsync(context, read.LeaseGrantRequest, GrantAsync, write.LeaseResponse),
            EtcdPaths.LeaseKeepAlive => AnswerAsync(context, read.LeaseRequest, KeepAliveAsync, write.KeepAliveEnvelope),
            EtcdPaths.LeaseRevoke or EtcdPaths.LeaseRevokeAlias => AnswerAsync(context, read.LeaseRequest, RevokeAsync, write.LeaseRevokeResponse),
            EtcdPaths.LeaseTimeToLive or EtcdPaths.LeaseTimeToLiveAlias => AnswerAsync(context, read.LeaseRequest, TimeToLiveAsync, write.LeaseResponse),
            EtcdPaths.Watch => WatchAsync(context),
            EtcdPaths.Status => AnswerAsync(context, read.StatusRequest, StatusAsync, write.StatusResponse),
            EtcdPaths.Version => WriteAsync(context, new VersionResponse { Server = ApiVersion, Cluster = ApiVersion, Lighthouse = Seed.Version }, write.VersionResponse),
            EtcdPaths.Health => HealthAsync(context),
            _ => RefuseAsync(context, Refusal.NotFound),
        };
    }

    private async Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellationToken)
    {
        var result = await registry.RangeAsync(DomainForm.Of(request), cancellationToken);
        return DomainForm.Answer(request, result.Revision, result.Pairs, result.Count);
    }

    private async Task<TxnResponse> TransactAsync(TxnRequest request, CancellationToken cancellationToken) =>
        DomainForm.Answer(request, await registry.TransactAsync(DomainForm.Of(request), cancellationToken));

    private async Task<PutResponse> PutAsync(PutRequest request, CancellationToken cancellationToken)
    {
        var result = await registry.TransactAsync(new([], [DomainForm.Of(request)], []), cancellationToken);
        return new() { Header = new() { Revision = result.Revision } };
    }

    private async Task<DeleteRangeResponse> DeleteAsync(DeleteRangeRequest request, CancellationToken cancellationToken)
    {
        var result = await registry.TransactAsync(new([], [DomainForm.Of(request)], []), cancellationToken);
        return new() { Header = new() { Revision = result.Revision }, Deleted = result.Responses[0].Count };
    }

    private async Task<LeaseResponse> GrantAsync(LeaseGrantRequest request, CancellationToken cancellationToken)
    {
        if (request.Id != 0) throw new ArgumentException("ID of a lease cannot be chosen: leave it out");
        if (request.Seconds is <= 0 or > LongestLease) throw new ArgumentException($"TTL {request.Seconds} is not accepted: use 1 to {LongestLease} seconds");
        var lease = await registry.GrantLeaseAsync(TimeSpan.FromSeconds(request.Seconds), cancellationToken);
        return new() { Header = new(), Id = lease.Id, Seconds = (long)lease.TimeToLive.TotalSeconds };
    }

    private async Task<KeepAliveEnvelope> KeepAliveAsync(LeaseRequest request, CancellationToken cancellationToken)
    {
        var lease = await registry.KeepAliveAsync(request.Id, cancellationToken);
        return new() { Result = new() { Header = new(), Id = request.Id, Seconds = (long)(lease?.TimeToLive.TotalSeconds ?? 0) } };
    }

    private async Task<LeaseRevokeResponse> RevokeAsync(LeaseRequest request, CancellationToken cancellationToken)
    {
        // As in etcd, revoking what is not there is an error; the store says nothing about it.
        if (await registry.GetLeaseAsync(request.Id, cancellationToken) is null) throw new LeaseNotFoundException(request.Id);
        await registry.RevokeLeaseAsync(request.Id, cancellationToken);
        return new() { Header = new() };
    }

    private async Task<LeaseResponse> TimeToLiveAsync(LeaseRequest request, CancellationToken cancellationToken) =>
        await registry.GetLeaseAsync(request.Id, cancellationToken) is { } lease
            ? new() { Header = new(), Id = lease.Id, Seconds = (long)lease.Remaining.TotalSeconds, GrantedSeconds = (long)lease.TimeToLive.TotalSeconds }
            : new() { Header = new(), Id = request.Id, Seconds = -1 };

    private async Task<StatusResponse> StatusAsync(StatusRequest request, CancellationToken cancellationToken)
    {
        var now = await status.GetStatusAsync(cancellationToken);
        return new() { Header = new() { Revision = now.Revision }, Version = $"lighthouse {Seed.Version}", DatabaseSize = now.Size };
    }

    private async Task HealthAsync(HttpContext context)
    {
        await status.GetStatusAsync(context.RequestAborted);
        await WriteAsync(context, new HealthResponse { Health = "true" }, EtcdJson.Default.HealthResponse);
    }

    private async Task WatchAsync(HttpContext context)
    {
        if (Interlocked.Increment(ref _watches) > limits.Watches)
        {
            Interlocked.Decrement(ref _watches);
            await RefuseAsync(context, Refusal.TooManyWatches);
            return;
        }

        try
        {
            await StreamAsync(context);
        }
        finally
        {
            Interlocked.Decrement(ref _watches);
        }
    }

    private async Task StreamAsync(HttpContext context)
    {
        var request = await ReadAsync(context, EtcdJson.Strict.WatchRequest);
        if (request.CreateRequest is not { } create) throw new ArgumentException("a watch needs create_request");
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var changes = registry.WatchAsync(DomainForm.Interval(create.Key, create.RangeEnd), create.StartRevision, ending.Token);
        context.Response.ContentType = MediaTypeNames.Application.Json;
        try
        {
            await SendAsync(context, new() { Result = new() { Header = new(), Created = true } });
            await foreach (var batch in changes) await SendAsync(context, DomainForm.Answer(batch));
        }
        catch (CompactedException e)
        {
            await SendAsync(context, new() { Result = new() { Header = new(), Canceled = true, CompactRevision = e.OldestRevision, CancelReason = ErrorTexts.Compacted } });
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The answer ends; the client goes on elsewhere, or here after the restart.
        }
    }

    private static async Task SendAsync(HttpContext context, WatchEnvelope message)
    {
        await JsonSerializer.SerializeAsync(context.Response.Body, message, EtcdJson.Default.WatchEnvelope, context.RequestAborted);
        await context.Response.Body.WriteAsync("\n"u8.ToArray(), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private static async Task AnswerAsync<TRequest, TAnswer>(
        HttpContext context, JsonTypeInfo<TRequest> form, Func<TRequest, CancellationToken, Task<TAnswer>> answer, JsonTypeInfo<TAnswer> answerForm) =>
        await WriteAsync(context, await answer(await ReadAsync(context, form), context.RequestAborted), answerForm);

    private static async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> form) =>
        await JsonSerializer.DeserializeAsync(context.Request.Body, form, context.RequestAborted) ?? throw new JsonException("it is null");

    private static Task WriteAsync<T>(HttpContext context, T answer, JsonTypeInfo<T> form) =>
        WriteAsync(context, StatusCodes.Status200OK, JsonSerializer.SerializeToUtf8Bytes(answer, form));

    private Task RefuseAsync(HttpContext context, Refusal refusal)
    {
        log.Refused(Peer(context), context.Request.Path.Value ?? "", refusal.Status, refusal.Text);
        context.Response.Clear();
        return WriteAsync(context, refusal.Status, refusal.ToJson());
    }

    private static Task WriteAsync(HttpContext context, int status, byte[] json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = MediaTypeNames.Application.Json;
        context.Response.ContentLength = json.Length;
        return context.Response.Body.WriteAsync(json, context.RequestAborted).AsTask();
    }

    private static string Peer(HttpContext context) => $"{context.Connection.RemoteIpAddress}";
}
