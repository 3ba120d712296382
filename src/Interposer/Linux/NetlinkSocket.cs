using System.Runtime.InteropServices;

namespace Vni.Interposer.Linux;

/// <summary>
/// Route netlink (rtnetlink(7)) in the network namespace of the thread that makes it. Requests go out in batches: the
/// kernel handles all messages of one datagram within the call that sends it, one after the other, also after one
/// failed.
/// </summary>
internal sealed class NetlinkSocket : IDisposable
{
    private const int NETLINK_ROUTE = 0, NETLINK_SOCK_DIAG = 4, SOL_NETLINK = 270, NETLINK_CAP_ACK = 10, NETLINK_EXT_ACK = 11;
    private const ushort NLMSG_ERROR = 2, NLMSG_DONE = 3, NLM_F_ACK_TLVS = 0x200;
    private const int ErrorSize = 4 + NetlinkMessage.HeaderSize, NLMSGERR_ATTR_MSG = 1;

    /// <summary>The replies to a batch wait in the receive buffer, which by default has room for some 250.</summary>
    private const int MaximumBatch = 64;

    private readonly Lock _gate = new();
    private readonly RawSocket _socket;

    /// <summary>The kernel never sends more in one datagram of a dump than 32 KiB.</summary>
    private readonly byte[] _received = new byte[65536];

    private byte[] _sent = new byte[4096];
    private int _sequence;

    public NetlinkSocket() : this(NETLINK_ROUTE)
    {
    }

    private NetlinkSocket(int protocol)
    {
        _socket = new RawSocket(RawSocket.AF_NETLINK, protocol, "netlink");
        _socket.SetOption(SOL_NETLINK, NETLINK_CAP_ACK, 1);
        _socket.SetOption(SOL_NETLINK, NETLINK_EXT_ACK, 1);
    }

    /// <summary>One for <see cref="SocketDiagnosis"/> instead of route netlink.</summary>
    public static NetlinkSocket ForSockets() => new(NETLINK_SOCK_DIAG);

    /// <summary>Carries all messages out and fills in their <see cref="NetlinkMessage.Answer"/>.</summary>
    /// <exception cref="LinuxException">The first error that its message does not tolerate, after all were handled; names
    /// the message, its subject, and what the kernel said.</exception>
    public void Execute(params ReadOnlySpan<NetlinkMessage> messages)
    {
        lock (_gate)
        {
            LinuxException? failure = null;
            while (messages.Length > 0)
            {
                var batch = messages[..Math.Min(messages.Length, MaximumBatch)];
                messages = messages[batch.Length..];
                Send(batch);
                for (var open = batch.Length; open > 0;) open -= Receive(batch, ref failure);
            }

            if (failure is not null) throw failure;
        }
    }

    /// <summary>Payloads of all objects that a request for many finds.</summary>
    public List<byte[]> Dump(NetlinkMessage message)
    {
        lock (_gate)
        {
            var first = ++_sequence;
            _socket.Send(message.Finish(first, NetlinkMessage.NLM_F_DUMP), KernelAddress);
            var found = new List<byte[]>();
            while (true)
            {
                var rest = _received.AsSpan(0, _socket.Receive(_received));
                while (Next(ref rest, out var type, out _, out var sequence, out var payload))
                {
                    if (sequence != first) continue;
                    if (type is NLMSG_DONE or NLMSG_ERROR)
                    {
                        var errno = payload.Length >= 4 ? -MemoryMarshal.Read<int>(payload) : 0;
                        return errno == 0 ? found : throw new LinuxException(errno, message.Name, message.Subject);
                    }

                    found.Add(payload.ToArray());
                }
            }
        }
    }

    /// <inheritdoc />
    public void Dispose() => _socket.Dispose();

    /// <summary><c>struct sockaddr_nl</c> of the kernel: family, padding, port 0, no groups.</summary>
    private static ReadOnlySpan<byte> KernelAddress => BitConverter.IsLittleEndian
        ? [RawSocket.AF_NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        : [0, RawSocket.AF_NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private void Send(ReadOnlySpan<NetlinkMessage> batch)
    {
        var length = 0;
        foreach (var message in batch)
        {
            var bytes = message.Finish(++_sequence, NetlinkMessage.NLM_F_ACK);
            if (length + bytes.Length > _sent.Length) Array.Resize(ref _sent, (length + bytes.Length) * 2);
            bytes.CopyTo(_sent.AsSpan(length));
            length += bytes.Length;
        }

        _socket.Send(_sent.AsSpan(0, length), KernelAddress);
    }

    /// <summary>Reads one datagram; returns how many messages of the batch it ends.</summary>
    private int Receive(ReadOnlySpan<NetlinkMessage> batch, ref LinuxException? failure)
    {
        var ended = 0;
        var rest = _received.AsSpan(0, _socket.Receive(_received));
        while (Next(ref rest, out var type, out var flags, out var sequence, out var payload))
        {
            var index = sequence - (_sequence - batch.Length + 1);
            if (index < 0 || index >= batch.Length) continue;
            var message = batch[index];
            if (type != NLMSG_ERROR)
            {
                message.Answer = payload.ToArray();
                continue;
            }

            ended++;
            var errno = -MemoryMarshal.Read<int>(payload);
            if (errno == 0 || message.Tolerates(errno) || failure is not null) continue;
            var said = (flags & NLM_F_ACK_TLVS) != 0 ? new NetlinkAttributes(payload[ErrorSize..]).Text(NLMSGERR_ATTR_MSG) : null;
            failure = new LinuxException(errno, message.Name, message.Subject, said);
        }

        return ended;
    }

    private static bool Next(ref Span<byte> rest, out ushort type, out ushort flags, out int sequence, out ReadOnlySpan<byte> payload)
    {
        (type, flags, sequence) = (0, 0, 0);
        payload = default;
        if (rest.Length < NetlinkMessage.HeaderSize) return false;
        var length = MemoryMarshal.Read<int>(rest);
        if (length < NetlinkMessage.HeaderSize || length > rest.Length) return false;
        type = MemoryMarshal.Read<ushort>(rest[4..]);
        flags = MemoryMarshal.Read<ushort>(rest[6..]);
        sequence = MemoryMarshal.Read<int>(rest[8..]);
        payload = rest[NetlinkMessage.HeaderSize..length];
        rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        return true;
    }
}
