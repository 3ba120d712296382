using Vni.Actors.Registry;
using Vni.Actors.Snapshots;

namespace Vni.Actors.Nodes;

/// <summary>The value of <c>members/NODE</c>: there while the node's lease lives.</summary>
/// <param name="Node">The node.</param>
/// <param name="Platform">What it offers to processes.</param>
internal sealed record MemberRecord(string Node, PlatformFacts Platform)
{
    /// <summary>Version of this record.</summary>
    public int Format { get; init; } = 1;

    /// <inheritdoc cref="NodeSettings.Version" />
    public string Version { get; init; } = "";

    /// <inheritdoc cref="NodeSettings.Endpoint" />
    public string? Endpoint { get; init; }

    /// <inheritdoc cref="NodeSettings.Cpus" />
    public int Cpus { get; init; }

    /// <inheritdoc cref="NodeSettings.Memory" />
    public long Memory { get; init; }

    /// <inheritdoc cref="NodeSettings.Labels" />
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>When it joined.</summary>
    public DateTimeOffset Joined { get; init; }

    /// <summary>It is being drained: nothing new is to be placed there.</summary>
    public bool Leaving { get; init; }

    /// <summary>What a node says of itself when it joins.</summary>
    public static MemberRecord Of(NodeSettings settings, PlatformFacts platform, DateTimeOffset now) => new(settings.Node, platform)
    {
        Version = settings.Version,
        Endpoint = settings.Endpoint,
        Cpus = settings.Cpus,
        Memory = settings.Memory,
        Labels = settings.Labels,
        Joined = now,
    };
}
