using Vni.Actors;
using Vni.Actors.Identity;

namespace Vni.Cli.Playground;

/// <summary>What a playground is to be.</summary>
/// <param name="Name">Tells the farms of one machine apart: a DNS label of at most 16 characters.</param>
/// <param name="Nodes">Number of nodes.</param>
/// <param name="Etcd">Whether three members of etcd are the registry, and not Lighthouse.</param>
internal sealed record FarmShape(string Name, int Nodes, bool Etcd)
{
    /// <summary>Whether applications get IPv6 addresses, too.</summary>
    public bool Ipv6 { get; init; }

    /// <summary>The name of a farm that was given none. Its nodes alone are called <c>n1</c> and so on.</summary>
    public const string DefaultName = "farm";

    public const int DefaultNodes = 3;

    /// <summary>One for each address below Lighthouse's and the client's, and more than one machine carries.</summary>
    public const int MostNodes = 32;

    /// <summary>Members of etcd: the least of which one may die.</summary>
    public const int EtcdMembers = 3;

    private const int LongestName = 16;

    /// <summary>The name, if it is one.</summary>
    /// <exception cref="VniException">It is not.</exception>
    public static string CheckName(string name) => DnsLabel.IsValid(name) && name.Length <= LongestName
        ? name
        : throw new VniException(ErrorCodes.InvalidArgument, $"farm name {DnsLabel.Quote(name)} is not valid: {DnsLabel.Rule}, and at most {LongestName} characters");

    /// <summary>In one sentence's words, for one who wants another one: what this has not is named, too, if it is what the other is to have.</summary>
    public string Beside(FarmShape wanted) => wanted.Ipv6 && !Ipv6 ? $"{this}, without IPv6" : ToString();

    /// <summary>In one sentence's words: <c>3 nodes and Lighthouse</c>.</summary>
    public override string ToString() => $"{Nodes} {(Nodes == 1 ? "node" : "nodes")} and {(Etcd ? "etcd" : "Lighthouse")}{(Ipv6 ? ", with IPv6" : "")}";
}
