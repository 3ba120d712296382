using System.Net;
using Vni.Actors.Identity;
using Vni.Interposer.Linux;
using static Vni.Interposer.Linux.BpfRegister;
using static Vni.Interposer.Linux.BpfSize;

namespace Vni.Interposer.Network;

/// <summary>
/// Limits bind(2) of all processes of a cgroup to the wildcard address, the loopback and the addresses of their own, in
/// IPv4, IPv6 and IPv4 mapped into IPv6 [D5]. Without it <c>IP_FREEBIND</c> would let a process listen on an address that
/// is another's. A refused bind fails with <c>EPERM</c>.
/// </summary>
internal static class BindGuard
{
    /// <summary>Results of a cgroup program.</summary>
    private const int Refuse = 0, Allow = 1;

    /// <summary>Offsets in <c>struct bpf_sock_addr</c>; addresses are in network order.</summary>
    private const short UserIp4 = 4, UserIp6 = 8;

    private const int Loopback = 127, Mapped = 0xffff;

    /// <summary>
    /// Attaches the guard. It stays with the cgroup, daemon or not; attaching it again takes the former's place, so a
    /// restarted daemon adds nothing.
    /// </summary>
    /// <param name="cgroupPath">Directory in the cgroup2 hierarchy.</param>
    /// <param name="address">The IPv4 address that may be bound.</param>
    /// <param name="address6">The IPv6 address that may be bound, a global or unique local one; <c>null</c>: none.</param>
    /// <exception cref="LinuxException"><c>EPERM</c>: a privilege is missing, or a program on a cgroup above forbids others.</exception>
    public static void Attach(string cgroupPath, IPAddress address, IPAddress? address6)
    {
        using var cgroup = Libc.OpenDirectory(cgroupPath);
        Attach(cgroup, cgroupPath, BpfAttachType.CgroupInet4Bind, Ipv4(address), "vni_bind4");
        Attach(cgroup, cgroupPath, BpfAttachType.CgroupInet6Bind, Ipv6(address, address6), "vni_bind6");
    }

    /// <inheritdoc cref="Attach(string, IPAddress, IPAddress)" />
    public static void Attach(string cgroupPath, VirtualIdentity identity) =>
        Attach(cgroupPath, IPAddress.Parse(identity.Ip), identity.Ip6 is { } ip6 ? IPAddress.Parse(ip6) : null);

    /// <summary>The program for IPv4 sockets.</summary>
    internal static ulong[] Ipv4(IPAddress address) => AllowOwn(new BpfAssembler().Load(Word, R2, R1, UserIp4), address).Assemble();

    /// <summary>The program for IPv6 sockets.</summary>
    internal static ulong[] Ipv6(IPAddress address, IPAddress? address6)
    {
        var program = new BpfAssembler()
            .Load(Word, R3, R1, UserIp6).Load(Word, R4, R1, UserIp6 + 4).Or(R3, R4)
            .IfNotEqual(R3, 0, address6 is null ? "refuse" : "own")
            .Load(Word, R2, R1, UserIp6 + 12)
            .Load(Word, R3, R1, UserIp6 + 8).FromNetwork(R3)
            .IfEqual(R3, Mapped, "ipv4")
            .IfNotEqual(R3, 0, "refuse")
            .FromNetwork(R2)
            .IfEqual(R2, 0, "allow") // ::
            .IfEqual(R2, 1, "allow") // ::1
            .Jump("refuse");
        if (address6 is not null)
        {
            program.Label("own");
            var bytes = address6.GetAddressBytes();
            for (var at = 0; at < bytes.Length; at += 4)
                program.Load(Word, R3, R1, (short)(UserIp6 + at)).IfNotEqual(R3, BitConverter.ToInt32(bytes, at), "refuse");
            program.Jump("allow");
        }

        program.Label("ipv4");
        return AllowOwn(program, address).Assemble();
    }

    /// <summary>Decides on the IPv4 address in R2, in network order.</summary>
    private static BpfAssembler AllowOwn(BpfAssembler program, IPAddress address) => program
        .FromNetwork(R2)
        .IfEqual(R2, 0, "allow")
        .IfEqual(R2, (int)PortAddress.Number(address), "allow")
        .ShiftRight(R2, 24)
        .IfEqual(R2, Loopback, "allow")
        .Label("refuse").Return(Refuse)
        .Label("allow").Return(Allow);

    private static void Attach(Microsoft.Win32.SafeHandles.SafeFileHandle cgroup, string path, BpfAttachType place, ulong[] code, string name)
    {
        using var program = Bpf.Load(BpfProgramType.CgroupSockAddr, place, code, name);
        Bpf.Attach(program, cgroup, place, path);
    }
}
