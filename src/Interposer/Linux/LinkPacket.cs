using System.Runtime.InteropServices;

namespace Vni.Interposer.Linux;

/// <summary>
/// Sends whole Ethernet frames out of any interface of the network namespace it was made in (packet(7)); receives
/// nothing. Its send buffer is the brake: it holds fewer frames than the backlog of a processor, so that none of a long
/// series is dropped on the other end of a veth pair.
/// </summary>
internal sealed class LinkPacket : IDisposable
{
    private readonly RawSocket _socket = new(RawSocket.AF_PACKET, 0, "packet");

    /// <summary>Sends one frame.</summary>
    /// <param name="index">The interface.</param>
    /// <param name="frame">From the destination's MAC on.</param>
    /// <exception cref="LinuxException"><c>ENETDOWN</c>: the interface is not up.</exception>
    public void Send(int index, ReadOnlySpan<byte> frame)
    {
        Span<byte> address = stackalloc byte[20];
        var header = new LinkAddress { Family = RawSocket.AF_PACKET, Index = index };
        MemoryMarshal.Write(address, in header);
        _socket.Send(frame, address);
    }

    /// <inheritdoc />
    public void Dispose() => _socket.Dispose();

    /// <summary><c>struct sockaddr_ll</c>; protocol 0 leaves it to the frame.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 20)]
    private struct LinkAddress
    {
        public ushort Family;
        public ushort Protocol;
        public int Index;
    }
}
