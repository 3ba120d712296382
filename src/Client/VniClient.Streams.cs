using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Vni.Actors.Applications;
using Vni.Actors.Messages;
using Vni.Client.Transport;

namespace Vni.Client;

public sealed partial class VniClient
{
    private const int CopyBufferSize = 32 * 1024;

    /// <summary>
    /// What happened to an application, oldest first: what is kept, and with <paramref name="follow"/> what happens from
    /// then on, until the application is removed or the token is cancelled.
    /// </summary>
    public async IAsyncEnumerable<ApplicationEvent> EventsAsync(
        string aid, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var response = await GetStreamAsync(PathOf(aid, follow ? "/events?follow=true" : "/events"), cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var lines = new StreamReader(body, Encoding.UTF8);
        while (await ReadEventAsync(lines, cancellationToken) is { } found) yield return found;
    }

    /// <summary>
    /// Copies what processes of an application have written, as bytes, each piece as it comes.
    /// </summary>
    /// <param name="aid">The application.</param>
    /// <param name="request">Which process, from where, and whether to go on.</param>
    /// <param name="destination">Flushed after each piece; its own exceptions pass unchanged.</param>
    /// <param name="cancellationToken">Ends a copy that follows.</param>
    public async Task CopyLogsAsync(string aid, LogsRequest request, Stream destination, CancellationToken cancellationToken = default)
    {
        using var response = await GetStreamAsync(PathOf(aid, "/logs" + request.Query()), cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[CopyBufferSize];
        while (await ReadPieceAsync(body, buffer, cancellationToken) is var count and > 0)
        {
            await destination.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            await destination.FlushAsync(cancellationToken);
        }
    }

    private Task<HttpResponseMessage> GetStreamAsync(string path, CancellationToken cancellationToken) =>
        _transport.SendAsync(new HttpRequestMessage(HttpMethod.Get, DaemonTransport.UriOf(path)), cancellationToken);

    private async Task<ApplicationEvent?> ReadEventAsync(StreamReader lines, CancellationToken cancellationToken)
    {
        try
        {
            while (await lines.ReadLineAsync(cancellationToken) is { } line)
            {
                if (line.Length > 0) return JsonSerializer.Deserialize(line, VniJson.Default.ApplicationEvent);
            }

            return null;
        }
        catch (JsonException e)
        {
            throw DaemonFailures.Unreadable(SocketPath, e);
        }
        catch (IOException e)
        {
            throw DaemonFailures.ConnectionLost(SocketPath, e);
        }
    }

    private async Task<int> ReadPieceAsync(Stream body, byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await body.ReadAsync(buffer, cancellationToken);
        }
        catch (IOException e)
        {
            throw DaemonFailures.ConnectionLost(SocketPath, e);
        }
    }
}
