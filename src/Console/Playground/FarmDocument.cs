namespace Vni.Cli.Playground;

/// <summary>A farm as programs see it.</summary>
internal sealed record FarmDocument
{
    public required string Name { get; init; }

    /// <summary><c>lighthouse</c> or <c>etcd</c>.</summary>
    public required string Registry { get; init; }

    public required IReadOnlyList<string> Seeds { get; init; }

    /// <summary>Configurations, sockets, logs.</summary>
    public required string Directory { get; init; }

    /// <summary>Of the authority and of every member, the client's for an operator.</summary>
    public required string Certificates { get; init; }

    /// <summary>Network namespace of the switch.</summary>
    public required string Switch { get; init; }

    /// <summary>Addresses that applications get.</summary>
    public required string Range { get; init; }

    /// <summary>IPv6 addresses that applications get; <c>null</c>: none.</summary>
    public string? Range6 { get; init; }

    public required IReadOnlyList<FarmMemberDocument> Members { get; init; }

    /// <summary>Groups that were cut off, each from everybody else.</summary>
    public required IReadOnlyList<IReadOnlyList<string>> Partitions { get; init; }

    /// <summary>Pairs whose frames do not reach each other.</summary>
    public required IReadOnlyList<BlockedPath> Blocked { get; init; }

    /// <summary>As it is now.</summary>
    public static FarmDocument Of(FarmRecord farm, Func<FarmMember, bool> isOn, Func<ProcessMark, bool> isAlive)
    {
        var plan = farm.Plan;
        return new FarmDocument
        {
            Name = farm.Shape.Name,
            Registry = farm.Shape.Etcd ? "etcd" : "lighthouse",
            Seeds = plan.Seeds,
            Directory = plan.Places.Directory,
            Certificates = plan.Places.Certificates,
            Switch = plan.Switch,
            Range = FarmPlan.ApplicationRange,
            Range6 = farm.Shape.Ipv6 ? FarmPlan.ApplicationRange6 : null,
            Members = [.. plan.Members.Select(MemberOf)],
            Partitions = [.. farm.Islands.Where(i => i.Count > 0)],
            Blocked = farm.Blocked,
        };

        FarmMemberDocument MemberOf(FarmMember member)
        {
            var daemon = farm.Daemons.GetValueOrDefault(member.Name) is { } mark && isAlive(mark) ? mark : null;
            var isNode = member.Role == FarmRole.Node;
            return new FarmMemberDocument
            {
                Name = member.Name,
                Role = member.Role switch { FarmRole.Node => "node", FarmRole.Registry => "registry", _ => "client" },
                Status = !isOn(member) ? "off" : member.Daemon is null ? "on" : daemon is null ? "dead" : "running",
                Namespace = member.Namespace,
                Address = member.Address,
                Address6 = member.Address6,
                Node = isNode ? member.Identity : null,
                Endpoint = isNode ? FarmPlan.EndpointOf(member) : null,
                Socket = isNode ? member.Socket : null,
                Log = member.Daemon is null ? null : member.Log,
                Pid = daemon?.Pid,
            };
        }
    }
}

/// <summary>A member of a farm as programs see it.</summary>
internal sealed record FarmMemberDocument
{
    /// <summary>How the commands of the playground call it.</summary>
    public required string Name { get; init; }

    /// <summary><c>node</c>, <c>registry</c> or <c>client</c>.</summary>
    public required string Role { get; init; }

    /// <summary><c>running</c>; <c>dead</c>: its daemon has ended; <c>off</c>: switched off as a whole; <c>on</c>: it has no daemon.</summary>
    public required string Status { get; init; }

    /// <summary>Its network namespace.</summary>
    public required string Namespace { get; init; }

    public required string Address { get; init; }

    /// <summary>Its IPv6 address; <c>null</c>: none.</summary>
    public string? Address6 { get; init; }

    /// <summary>The node's name in the farm; <c>null</c>: it is none.</summary>
    public string? Node { get; init; }

    /// <summary>Where a node answers other nodes.</summary>
    public string? Endpoint { get; init; }

    /// <summary>A node's socket for vni.</summary>
    public string? Socket { get; init; }

    /// <summary>What its daemon has said.</summary>
    public string? Log { get; init; }

    /// <summary>Its daemon; <c>null</c>: none runs.</summary>
    public int? Pid { get; init; }
}
