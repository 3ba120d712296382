using System.Buffers.Binary;
using System.Net;

namespace Vni.Node.Configuration;

/// <summary>Arithmetic on IPv4 networks.</summary>
internal static class Subnets
{
    /// <summary>The address after the network's own.</summary>
    internal static IPAddress FirstAddress(this IPNetwork network) => Address(Number(network.BaseAddress) + 1);

    /// <summary>Whether a host may have the address: inside, and neither the network's own nor the broadcast address.</summary>
    internal static bool HasHost(this IPNetwork network, IPAddress address) =>
        network.Contains(address)
        && Number(address) != Number(network.BaseAddress)
        && Number(address) != (Number(network.BaseAddress) | (uint)((1L << (32 - network.PrefixLength)) - 1));

    private static uint Number(IPAddress address) => BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());

    private static IPAddress Address(uint number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes);
    }
}
