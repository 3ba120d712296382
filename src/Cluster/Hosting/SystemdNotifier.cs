using System.Net.Sockets;
using System.Text;

namespace Vni.Cluster.Hosting;

/// <summary>Tells systemd how the daemon is (sd_notify(3)): one datagram to the socket that <c>NOTIFY_SOCKET</c> names.</summary>
internal static class SystemdNotifier
{
    private const string Variable = "NOTIFY_SOCKET";

    /// <summary>Recovery is over and the socket is open.</summary>
    internal static void Ready() => Send("READY=1");

    /// <summary>A graceful stop has begun.</summary>
    internal static void Stopping() => Send("STOPPING=1");

    /// <summary>Sends nothing when systemd did not start this process.</summary>
    private static void Send(string state)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 1 } path) return;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            // '@' stands for the zero byte of the abstract name space (unix(7)).
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path[0] == '@' ? $"\0{path[1..]}" : path));
        }
        catch (SocketException)
        {
            // Nobody listens any more; nothing that the daemon does depends on it.
        }
    }
}
