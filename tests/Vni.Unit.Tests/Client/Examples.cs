using Vni.Actors.Applications;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;

namespace Vni.Unit.Tests.Client;

/// <summary>Views with every field filled.</summary>
internal static class Examples
{
    public static readonly DateTimeOffset Noon = new(2025, 11, 22, 12, 0, 0, TimeSpan.Zero);

    public static ApplicationView Application(string aid = "web", string status = "running") => new()
    {
        Aid = aid,
        Status = status,
        Ip = "10.117.0.5",
        Mac = "02:00:0a:75:00:05",
        Hostname = "shop",
        Node = "alder",
        Epoch = 1,
        Pids = [2, 3],
        Snapshot = "web.0h2k4m6n8p1q",
        Processes =
        [
            new LiveProcess(2, 40112, 1, "main", "redis-server *:6379", 5, 13_002_342),
            new LiveProcess(3, 40113, 2, null, "sh -c 'sleep 1'", 1, 901_120),
        ],
        Declaration = new ApplicationDeclaration
        {
            Name = aid,
            Limits = new ResourceLimits { Memory = 512L << 20, Cpus = 1.5 },
            Processes = [new ProcessDeclaration { Command = ["redis-server", "--save", ""], User = "redis", Workdir = "/var/lib/redis" }],
        },
        Created = Noon.AddHours(-3),
        Changed = Noon.AddMinutes(-5),
    };

    public static SnapshotView Snapshot(bool durable = false) => new()
    {
        Snapshot = "web.0h2k4m6n8p1q",
        Aid = "web",
        Node = "alder",
        Created = Noon.AddSeconds(-12),
        Size = 13_002_342,
        Durable = durable,
        Status = "dormant",
        Phases = [new Phase("freeze", 0.41), new Phase("dump", 38.2), new Phase("layer", 2.04)],
    };
}
