using Vni.Actors.Applications;
using Vni.Actors.Interposition;
using Vni.Actors.Messages;
using Vni.Cli.Output;
using Vni.Cli.Values;

namespace Vni.Cli.Views;

/// <summary>What <c>vni inspect</c> prints.</summary>
internal static class ApplicationText
{
    public static void Write(Screen screen, ApplicationView a, TimeProvider clock)
    {
        screen.Line(new Piece(a.Aid, Tone.Strong), "  ", Statuses.Show(a.Status), new Piece($"  {Times.For(a.Changed, clock)}", Tone.Dim));
        if (a.Reason is not null) screen.Line("  ", new Piece(a.Reason, Tone.Notice));
        screen.Line();
        Field(screen, "address", a.Ip);
        if (a.Ip6 is { } ip6) Field(screen, "ipv6", ip6);
        Field(screen, "mac", a.Mac);
        Field(screen, "hostname", a.Hostname);
        Field(screen, "node", $"{a.Node}, epoch {a.Epoch}");
        Field(screen, "snapshot", a.Snapshot ?? "none");
        Field(screen, "root", a.Declaration.Root);
        Field(screen, "limits", Limits(a.Declaration.Limits));
        Field(screen, "created", $"{Times.Format(a.Created, clock)} ({Times.Ago(a.Created, clock)})");

        Heading(screen, "Chain");
        WriteChain(screen, a);
        if (a.Processes.Count == 0) return;

        Heading(screen, "Processes");
        WriteProcesses(screen, a);
    }

    private static void WriteChain(Screen screen, ApplicationView a)
    {
        var exits = a.Exits.ToLookup(e => e.Process);
        var members = a.Chain.ToLookup(member => member.Name);
        var grid = new Grid(
            new GridColumn("NAME"), new GridColumn("USER"), new GridColumn("WORKDIR", Shrinks: true), new GridColumn("STATE"), new GridColumn("RESTARTS", Right: true),
            new GridColumn("ENDED"), new GridColumn("COMMAND", Shrinks: true));
        foreach (var p in a.Declaration.Processes.Concat(a.Joined))
        {
            var member = members[p.Name].FirstOrDefault();
            var ended = (member?.LastExit ?? exits[p.Name].FirstOrDefault()) is { } exit ? Ended(exit) : new Piece("-", Tone.Dim);
            grid.Add(p.Name, p.User, p.Workdir, State(member), member is { Restarts: > 0 } ? new Piece($"{member.Restarts}", Tone.Notice) : new Piece("-", Tone.Dim), ended, ShellWords.Join(p.Command));
        }

        grid.Write(screen, indent: 2);
    }

    private static Piece State(ChainMember? member) => member switch
    {
        null => new Piece("-", Tone.Dim),
        { State: ChainMember.Waiting } => new Piece(member.State, Tone.Notice),
        _ => member.State,
    };

    private static void WriteProcesses(Screen screen, ApplicationView a)
    {
        var grid = new Grid(
            new GridColumn("PID", Right: true), new GridColumn("HOST PID", Right: true), new GridColumn("PARENT", Right: true),
            new GridColumn("NAME"), new GridColumn("THREADS", Right: true), new GridColumn("MEMORY", Right: true),
            new GridColumn("COMMAND", Shrinks: true));
        foreach (var p in a.Processes)
        {
            grid.Add(
                $"{p.Pid}", $"{p.HostPid}", $"{p.Parent}", p.Process ?? new Piece("-", Tone.Dim), $"{p.Threads}", Sizes.Format(p.Memory), p.Command);
        }

        grid.Write(screen, indent: 2);
    }

    private static Piece Ended(ProcessExit exit) => exit switch
    {
        { Signal: { } signal } => new Piece(Signals.Name(signal), Tone.Notice),
        { ExitCode: 0 } => "status 0",
        { ExitCode: { } status } => new Piece($"status {status}", Tone.Notice),
        _ => "yes",
    };

    private static string Limits(ResourceLimits limits)
    {
        var parts = new List<string>(2);
        if (limits.Memory is { } memory) parts.Add($"memory {Sizes.Format(memory)}");
        if (limits.Cpus is { } cpus) parts.Add($"cpus {Cpus.Format(cpus)}");
        return parts.Count == 0 ? "none" : string.Join(", ", parts);
    }

    private static void Heading(Screen screen, string title)
    {
        screen.Line();
        screen.Line(new Piece(title, Tone.Strong));
    }

    private static void Field(Screen screen, string name, string value) => screen.Line(new Piece($"  {name,-9}", Tone.Dim), "  ", value);
}
