using System.Globalization;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Actors.Resources;
using Vni.Interposer.Linux;
using Vni.Interposer.Operations;

namespace Vni.Interposer.Resources;

/// <summary>Finds the instance of this node that a resource belongs to: of a process by its cgroup, of everything else by looking at
/// all instances.</summary>
internal sealed class ResourceHolders(InstanceKit kit)
{
    private const string VisitorsSuffix = ".visitors";

    /// <summary>What an instance has; <c>null</c> when it does not live here.</summary>
    public InstanceResources? Find(Aid aid, ResourceType? type)
    {
        if (kit.Live.FindInit(aid) is not { } init) return null;
        try
        {
            return new InstanceResources(init, ResourceScanner.Find(kit.OnNode(aid, init), type));
        }
        catch (IOException e) when (e is LinuxException or FileNotFoundException or DirectoryNotFoundException)
        {
            if (kit.Live.FindInit(aid) != init) return null;
            throw new VniException(ErrorCodes.Internal, $"the resources of application {aid} could not be read ({e.Message}); try again", e);
        }
    }

    public Aid HolderOf(ResourceType type, string system)
    {
        if (type is ResourceType.Process or ResourceType.Thread or ResourceType.ProcessGroup or ResourceType.Session)
        {
            if (!int.TryParse(system, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || pid == 0)
                throw new VniException(ErrorCodes.InvalidArgument, $"{DnsLabel.Quote(system)} is no {ResourceNames.Of(type)} of a node: give its number, as ps and top show it");
            if (ProcFile.TryRead($"/proc/{pid}/cgroup") is { } cgroups) return OfProcess(type, pid, cgroups);
            if (type is ResourceType.Process or ResourceType.Thread) throw Unknown(type, system);
        }

        if (type == ResourceType.Path)
        {
            // What a rule redirects is known to the application's actor; whose it is, its path tells.
            return system.Split('/', 5) is ["", "proc", var number, "root", _] && ProcFile.TryRead($"/proc/{Number(number)}/cgroup") is { } holder
                ? OfProcess(type, Number(number), holder)
                : throw Unknown(type, system);
        }

        foreach (var aid in kit.Cgroups.List())
        {
            if (Find(aid, type)?.Found.Any(found => found.Type == type && found.System == system) == true) return aid;
        }

        throw Unknown(type, system);
    }

    /// <summary>The application in a line of proc_pid_cgroup(5), <c>0::/vni-NODE/AID</c>, and whether the process only visits it.</summary>
    internal static (Aid Aid, bool Visits)? ApplicationOf(string cgroups, string nodeDirectory)
    {
        foreach (var line in cgroups.Split('\n'))
        {
            if (!line.StartsWith("0::", StringComparison.Ordinal) || line.Split('/') is not [.., var directory, var name] || directory != nodeDirectory) continue;
            var visits = name.EndsWith(VisitorsSuffix, StringComparison.Ordinal);
            if (Aid.TryParse(visits ? name[..^VisitorsSuffix.Length] : name, out var aid)) return (aid, visits);
        }

        return null;
    }

    private static int Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private Aid OfProcess(ResourceType type, int pid, string cgroups)
    {
        var node = kit.Options.Node;
        if (type == ResourceType.Process && ProcFile.TryRead($"/proc/{pid}/status") is { } status && !status.Contains($"\nTgid:\t{pid}\n", StringComparison.Ordinal))
            throw new VniException(ErrorCodes.UnknownResource, $"{pid} is a thread on node {node}, no process; ask for 'thread {pid}'");
        return ApplicationOf(cgroups, Path.GetFileName(kit.Cgroups.Root)) switch
        {
            null => throw new VniException(ErrorCodes.ForeignResource, $"{ResourceNames.Of(type)} {pid} of node {node} belongs to no application"),
            { Visits: true, Aid: var aid } => throw new VniException(ErrorCodes.ForeignResource, $"{ResourceNames.Of(type)} {pid} of node {node} visits application {aid} ('vni exec') and is no part of it"),
            { Aid: var aid } => aid,
        };
    }

    private VniException Unknown(ResourceType type, string system) =>
        new(ErrorCodes.UnknownResource, $"no application on node {kit.Options.Node} has {ResourceNames.Of(type)} {DnsLabel.Quote(system)}; 'vni rids AID' shows the forms that a node's ids have");
}
