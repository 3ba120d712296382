using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Vni.Actors.Identity;
using Vni.Actors.Messages;
using Vni.Cluster.Messaging;

namespace Vni.Node.Api;

/// <summary>
/// Logs, visitors and what can be seen of processes are where the instance is: requests for those of another node are passed on to it as they are, and its
/// answers back, so that a user need not know where an application runs.
/// </summary>
internal sealed class Elsewhere(RequestDelegate next, IApplicationService service, VersionView self, PeerForwarder forwarder)
{
    /// <summary>Says which node passed a request on; it is not passed on twice.</summary>
    private const string Mark = "Vni-Forwarded-By";

    private static readonly string[] Kept = ["Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Accept"];

    /// <summary>Passes the request on, or to what follows.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } node) await ForwardAsync(context, node);
        else await next(context);
    }

    /// <summary>The other node that the request is for; <c>null</c>: it is answered here.</summary>
    private async Task<string?> FindAsync(HttpContext context)
    {
        var parts = context.Request.Path.Value?.Split('/') ?? [];
        if (parts is not ["", "v1", "applications", var aid, "logs" or "exec" or "check"] || context.Request.Headers.ContainsKey(Mark) || !Aid.TryParse(aid, out var name)) return null;
        var node = (await service.GetAsync(name, context.RequestAborted)).Node;
        return node == self.Node ? null : node;
    }

    private async Task ForwardAsync(HttpContext context, string node)
    {
        var (request, response) = (context.Request, context.Response);
        var headers = Kept.Where(request.Headers.ContainsKey).Select(name => KeyValuePair.Create(name, request.Headers[name].ToString())).Append(KeyValuePair.Create(Mark, self.Node));
        using var answer = await forwarder.SendAsync(node, HttpMethod.Get, $"{request.Path}{request.QueryString}", headers, context.RequestAborted);
        response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers))
        {
            if (name is not "Transfer-Encoding") response.Headers[name] = values.ToArray();
        }

        await using var body = await answer.Content.ReadAsStreamAsync(context.RequestAborted);
        if (response.StatusCode == StatusCodes.Status101SwitchingProtocols) await JoinAsync(context, body);
        else await CopyAsync(body, response.Body, context.RequestAborted);
    }

    /// <summary>From here on both sides speak as they like, until one of them ends.</summary>
    private static async Task JoinAsync(HttpContext context, Stream there)
    {
        await using var here = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var directions = new[] { CopyAsync(here, there, ended.Token), CopyAsync(there, here, ended.Token) };
        await Task.WhenAny(directions);
        await ended.CancelAsync();
        await Task.WhenAll(directions).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task CopyAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 << 10];
        while (await from.ReadAsync(buffer, cancellationToken) is var read and > 0)
        {
            await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            await to.FlushAsync(cancellationToken);
        }
    }
}
