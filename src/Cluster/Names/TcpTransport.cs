using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net.Dns;

namespace Vni.Cluster.Names;

/// <summary>
/// Connections of clients (RFC 7766), which a truncated answer asks for. Their number is limited, that of each address too, and a
/// connection on which nothing happens is closed: nobody keeps others out by holding on.
/// </summary>
internal sealed class TcpTransport : IServerTransport
{
    private const int MostConnections = 256;
    private const int MostOfOneAddress = 16;

    /// <summary>Waiting for the kernel to have descriptors again.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, int> _byAddress = [];
    private readonly Socket _socket;
    private readonly QueryIntake _intake;
    private readonly TimeProvider _time;
    private int _connections;

    /// <exception cref="SocketException">The address cannot be used.</exception>
    internal TcpTransport(IPEndPoint endPoint, QueryIntake intake, TimeProvider time)
    {
        (_intake, _time) = (intake, time);
        _socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, optionValue: true);
            _socket.Bind(endPoint);
            _socket.Listen();
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public ushort DefaultAllowedResponseSize => ushort.MaxValue;

    /// <inheritdoc />
    public bool SupportsMultipleResponses => false;

    /// <inheritdoc />
    public bool AllowTruncatedResponses => false;

    /// <inheritdoc />
    public TransportProtocol TransportProtocol => TransportProtocol.Tcp;

    /// <inheritdoc />
    public void Bind()
    {
        // It is bound from the beginning, so that whoever makes it learns whether that is possible.
    }

    /// <inheritdoc />
    public void Close() => _socket.Close();

    /// <inheritdoc />
    public void Dispose() => _socket.Dispose();

    /// <summary>The next client. The library's loop must never see an exception: it would end the process.</summary>
    public async Task<IServerConnection?> AcceptConnectionAsync(CancellationToken token = default)
    {
        try
        {
            var socket = await _socket.AcceptAsync(token);
            if (socket.RemoteEndPoint is IPEndPoint client && socket.LocalEndPoint is IPEndPoint local && TryEnter(client.Address))
                return new TcpConnection(this, socket, client, local, _intake, _time, () => Leave(client.Address));
            socket.Dispose();
        }
        catch (SocketException)
        {
            await Task.Delay(Pause, _time, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException)
        {
            // The end.
        }

        return null;
    }

    private bool TryEnter(IPAddress client)
    {
        lock (_gate)
        {
            var its = _byAddress.GetValueOrDefault(client);
            if (_connections >= MostConnections || its >= MostOfOneAddress) return false;
            _connections++;
            _byAddress[client] = its + 1;
            return true;
        }
    }

    private void Leave(IPAddress client)
    {
        lock (_gate)
        {
            _connections--;
            if (_byAddress[client] > 1) _byAddress[client]--;
            else _byAddress.Remove(client);
        }
    }
}
