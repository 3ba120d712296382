using Vni.Actors.Identity;
using Vni.Actors.Resources;

namespace Vni.Actors.Registry;

/// <summary>
/// The keys of one farm, all under <c>/vni/FARM/</c>. Parts are names (DNS labels, addresses, snapshot ids), so
/// none holds a slash and no key is a prefix of a key of another kind. Properties are prefixes, for
/// <see cref="KeyRange.Prefix"/>.
/// </summary>
public sealed class RegistryKeys
{
    /// <param name="farm">Name of the farm, a DNS label.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>.</exception>
    public RegistryKeys(string farm)
    {
        if (!DnsLabel.IsValid(farm))
            throw new VniException(ErrorCodes.InvalidArgument, $"farm name {DnsLabel.Quote(farm)} is not valid: {DnsLabel.Rule}");
        Root = $"/vni/{farm}/";
    }

    /// <summary>Prefix of everything that belongs to the farm.</summary>
    public string Root { get; }

    /// <summary>Prefix of all members.</summary>
    public string Members => $"{Root}members/";

    /// <summary>Prefix of all applications.</summary>
    public string Applications => $"{Root}applications/";

    /// <summary>Prefix of all owner records.</summary>
    public string Owners => $"{Root}owners/";

    /// <summary>Prefix of all addresses in use.</summary>
    public string Addresses => $"{Root}addresses/";

    /// <summary>Prefix of all hostnames in use.</summary>
    public string Hostnames => $"{Root}hostnames/";

    /// <summary>Prefix of all application names in use.</summary>
    public string Aids => $"{Root}aids/";

    /// <summary>Prefix of all templates.</summary>
    public string Templates => $"{Root}templates/";

    /// <summary>Prefix of all snapshots.</summary>
    public string Snapshots => $"{Root}snapshots/";

    /// <summary>Name of the node whose scheduler acts; hangs on the node's lease.</summary>
    public string SchedulerLeader => $"{Root}leader/scheduler";

    /// <summary>What a live node offers; hangs on the node's lease.</summary>
    public string Member(string node) => Members + node;

    /// <summary>The ApplicationActor's state.</summary>
    public string Application(Aid aid) => Applications + aid.Value;

    /// <summary>Node and epoch, exactly while some node may run the instance; hangs on the node's lease.</summary>
    public string Owner(Aid aid) => Owners + aid.Value;

    /// <summary>Which application holds a virtual address: IPv4, dotted, or IPv6 in its canonical spelling.</summary>
    public string Address(string ip) => Addresses + ip;

    /// <summary>Which application holds a virtual hostname.</summary>
    public string Hostname(string hostname) => Hostnames + hostname;

    /// <summary>Reserves the application's name.</summary>
    public string Aid(Aid aid) => Aids + aid.Value;

    /// <summary>A template.</summary>
    public string Template(string name) => Templates + name;

    /// <summary>Where the images of a snapshot are.</summary>
    public string Snapshot(string id) => Snapshots + id;

    /// <summary>Most parts of one table of resource ids.</summary>
    public const int MaxResourceParts = 9999;

    /// <summary>Prefix of an application's resource ids.</summary>
    public string Resources(Aid aid) => $"{Root}resources/{aid.Value}/";

    /// <summary>One part of the table of a type.</summary>
    public string Resources(Aid aid, ResourceType type, int part) => $"{Resources(aid)}{ResourceNames.Of(type)}/{part:D4}";

    /// <summary>Prefix of an application's events.</summary>
    public string Events(Aid aid) => $"{Root}events/{aid.Value}/";

    /// <summary>One event. The number has 12 digits, so that the order of keys is the order of events.</summary>
    public string Event(Aid aid, long number) => $"{Events(aid)}{number:D12}";
}
