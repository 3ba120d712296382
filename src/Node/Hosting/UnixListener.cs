using System.Net.Sockets;
using Vni.Actors;
using Vni.Interposer.Linux;

namespace Vni.Node.Hosting;

/// <summary>
/// The daemon's socket. It is made under another name, given its mode and group, and only then renamed into place: at no
/// moment is it open to more than it should be, and a dead daemon's socket is replaced without a gap.
/// </summary>
internal static class UnixListener
{
    /// <summary>Read and write for root and the group: connecting needs write permission (unix(7)).</summary>
    internal const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private const int Backlog = 512;

    /// <summary>Refuses a path at which a daemon answers, or which holds something that is no socket.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.Conflict"/> or <see cref="ErrorCodes.InvalidArgument"/>.</exception>
    internal static void RefuseIfTaken(string path)
    {
        if (!File.Exists(path) && !Directory.Exists(path)) return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused && IsSocket(path))
        {
            return; // Nobody listens: a daemon that was killed left it.
        }
        catch (SocketException)
        {
            throw new VniException(ErrorCodes.InvalidArgument, $"cannot listen at '{path}': something that is no socket is there; move it away or set another socket path");
        }

        throw new VniException(ErrorCodes.Conflict, $"another vnid answers at '{path}'; stop it, or give this one its own socket, state directory and node name");
    }

    /// <summary>Makes the socket and listens; the caller owns it and deletes the file.</summary>
    /// <param name="path">Absolute path.</param>
    /// <param name="group">Id of the group that may connect; <c>null</c>: only root may.</param>
    internal static Socket Open(string path, uint? group)
    {
        var making = $"{path}.new";
        File.Delete(making);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(making));
            File.SetUnixFileMode(making, Mode);
            if (group is { } id) DaemonProcess.GiveToGroup(making, id);
            socket.Listen(Backlog);
            File.Move(making, path, overwrite: true);
            return socket;
        }
        catch
        {
            socket.Dispose();
            File.Delete(making);
            throw;
        }
    }

    /// <summary>Whether it can be a socket: connecting to a file of another kind is refused in the same words. To .NET a
    /// socket is a file without content; an empty regular file at that path holds nothing that could be lost.</summary>
    private static bool IsSocket(string path) => new FileInfo(path) is { Exists: true, Length: 0, LinkTarget: null };
}
