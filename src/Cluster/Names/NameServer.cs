using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net.Dns;
using Microsoft.Extensions.Logging;
using Vni.Actors;
using Vni.Actors.Names;
using Vni.Actors.Registry;

namespace Vni.Cluster.Names;

/// <summary>
/// Answers the farm's names by UDP and TCP, from the registry's watch. Messages are read, written and truncated by
/// ARSoft.Tools.Net; the sockets are ours, because what may come in from anybody is bounded there.
/// </summary>
internal sealed class NameServer : IAsyncDisposable
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly List<IServerTransport> _transports;
    private readonly DnsServer _server;
    private readonly Task _following;

    private NameServer(List<IServerTransport> transports, ZoneFollower follower, Responder responder, ILogger log)
    {
        _transports = transports;
        _server = new DnsServer([.. transports]);
        _server.QueryReceived += (_, query) =>
        {
            if (query.Query is DnsMessage message) query.Response = responder.Answer(message, query.RemoteEndpoint.Address);
            return Task.CompletedTask;
        };
        _server.ExceptionThrown += (_, failure) =>
        {
            log.QueryFailed(failure.Exception);
            return Task.CompletedTask;
        };
        _server.Start();
        _following = follower.FollowAsync(_stop.Token);
    }

    /// <summary>Starts to listen and to follow the registry. Until that has been read, names of ours are answered with SERVFAIL.</summary>
    /// <param name="endPoints">Where to listen, at least one.</param>
    /// <param name="options">What is forwarded, and for whom.</param>
    /// <param name="zone">The zones.</param>
    /// <param name="registry">The farm's store; stays the caller's.</param>
    /// <param name="keys">Its keys.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">What goes wrong.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.Conflict"/>: an address cannot be listened on.</exception>
    internal static NameServer Start(
        IReadOnlyList<IPEndPoint> endPoints, NameServerOptions options, ZoneSettings zone, IRegistry registry, RegistryKeys keys, TimeProvider time, ILogger log)
    {
        var follower = new ZoneFollower(registry, keys, RetryDelay, time, log);
        var answers = new ZoneAnswers(zone);
        var forwarder = new Forwarder(options.Forward, [.. zone.Subnets, .. options.Clients], time);
        var intake = new QueryIntake(answers, forwarder);
        var transports = new List<IServerTransport>();
        try
        {
            foreach (var endPoint in endPoints)
            {
                try
                {
                    transports.Add(new UdpTransport(endPoint, intake, time));
                    transports.Add(new TcpTransport(endPoint, intake, time));
                }
                catch (SocketException e)
                {
                    throw new VniException(ErrorCodes.Conflict, $"cannot answer names at {endPoint}: {e.Message}; give 'dns.listen' an address of this machine and a port that no other name server has", e);
                }
            }

            log.Answering(zone.Domain, string.Join(", ", endPoints));
            return new NameServer(transports, follower, new Responder(answers, zone, () => follower.Table, forwarder), log);
        }
        catch
        {
            transports.ForEach(transport => transport.Dispose());
            throw;
        }
    }

    /// <summary>Stops listening.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _server.Stop();
        _transports.ForEach(transport => transport.Dispose());
        await _following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }
}
