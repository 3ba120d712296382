using Vni.Actors.Resources;
using Vni.Interposer.Checkpoint;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Resources;

/// <summary>Reads the resource ids of an instance from the node: no process of it takes part, so it may be frozen.</summary>
internal static class ResourceScanner
{
    /// <summary>Virtual ids and values, for a manifest or to be compared with one.</summary>
    /// <param name="instance">The instance.</param>
    /// <param name="queues">Whether POSIX message queues are looked for, which costs as much as all the rest.</param>
    /// <exception cref="LinuxException">The instance has ended.</exception>
    public static ResourceTable Scan(InstanceOnNode instance, bool queues)
    {
        var members = InstanceProcesses.Read(ProcReader.Node, instance.InitPid, instance.Pids);
        var (found, table) = Read(instance, members, sockets: true, queues);
        return table with { Processes = InstanceProcesses.Describe(members), Ids = VirtualIds.Of(found.All) };
    }

    /// <summary>Everything at this moment, virtual and system ids.</summary>
    /// <param name="instance">The instance.</param>
    /// <param name="type">What is wanted; <c>null</c>: all. More may come.</param>
    /// <exception cref="LinuxException">The instance has ended.</exception>
    public static IReadOnlyList<FoundResource> Find(InstanceOnNode instance, ResourceType? type)
    {
        if (type is ResourceType.Process or ResourceType.Thread or ResourceType.ProcessGroup or ResourceType.Session)
        {
            var found = new FoundResources();
            InstanceProcesses.AddTo(found, InstanceProcesses.Read(ProcReader.Node, instance.InitPid, instance.Pids, threads: type == ResourceType.Thread));
            return found.All;
        }

        var sockets = type is null or ResourceType.Tcp or ResourceType.Udp or ResourceType.UnixSocket;
        var members = InstanceProcesses.Read(ProcReader.Node, instance.InitPid, instance.Pids, threads: type is null);
        return Read(instance, members, sockets, queues: type is null or ResourceType.PosixMessageQueue).Found.All;
    }

    private static (FoundResources Found, ResourceTable Table) Read(InstanceOnNode instance, IReadOnlyList<InstanceProcess> members, bool sockets, bool queues)
    {
        var found = new FoundResources();
        InstanceProcesses.AddTo(found, members);
        var held = sockets ? InstanceSockets.HeldBy(members) : null;
        var (table, names) = Namespaces.Run(instance.InitPid, NamespaceKind.Ipc | NamespaceKind.Network, () =>
        {
            held?.Read();
            return (SysVObjects.Read(), queues ? MessageQueueNames.Read() : []);
        });
        AddIpc(found, table, names, ProcLinks.TryReadLink($"/proc/{instance.InitPid}/ns/ipc") ?? "ipc:[]");
        held?.AddTo(found);
        InstanceFiles.AddTo(found, instance);
        return (found, table);
    }

    private static void AddIpc(FoundResources found, ResourceTable table, IReadOnlyList<string> queues, string space)
    {
        foreach (var s in table.Semaphores) found.Add(ResourceType.Semaphore, $"{s.Id}", $"{space}/{s.Id}", 0, $"key 0x{s.Key:x}");
        foreach (var s in table.SharedMemory) found.Add(ResourceType.SharedMemory, $"{s.Id}", $"{space}/{s.Id}", 0, $"key 0x{s.Key:x}");
        foreach (var q in table.MessageQueues) found.Add(ResourceType.MessageQueue, $"{q.Id}", $"{space}/{q.Id}", 0, $"key 0x{q.Key:x}");
        foreach (var name in queues) found.Add(ResourceType.PosixMessageQueue, name, space + name, 0);
    }
}
