namespace Vni.Cli.Playground;

/// <summary>
/// Where a farm keeps its files. Three places, as a machine has: what is small and gone after a reboot, what is large and
/// stays, and what must be fast.
/// </summary>
/// <param name="Directory">Plan, certificates, configurations, sockets, logs.</param>
/// <param name="Disk">State of nodes and registry.</param>
/// <param name="Memory">Runtime directories of the nodes; on a tmpfs.</param>
internal sealed record FarmPlaces(string Directory, string Disk, string Memory)
{
    /// <summary>Parent of the directories of all farms.</summary>
    public const string Runtime = "/run/vniakka-farm";

    private const string State = "/var/lib/vniakka-farm";

    public static FarmPlaces Of(string name) => new($"{Runtime}/{name}", $"{State}/{name}", $"/dev/shm/vniakka-farm-{name}");

    /// <summary>Parents that several farms share, removed when the last one has gone.</summary>
    public static IReadOnlyList<string> Shared { get; } = [Runtime, State];

    public IReadOnlyList<string> All => [Directory, Disk, Memory];

    public string Certificates => $"{Directory}/certificates";

    /// <summary>What this farm is and what was done to it.</summary>
    public string Record => $"{Directory}/farm.json";
}
