using System.Globalization;
using System.Text;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Interposition;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Instances;

/// <summary>
/// The file that tells the harness what to do: key, value, key, value, ..., each ended by NUL, closed by <c>end</c> and
/// an empty value. <c>native/spec.c</c> reads it.
/// </summary>
internal static class HarnessSpec
{
    /// <summary>Of an instance: <c>hostname</c>, <c>lower</c>, <c>upper</c>, <c>work</c>, <c>root</c>, <c>cgroup</c>*, then
    /// per process <c>process</c>, <c>user</c>, <c>workdir</c>, <c>env</c>*, <c>arg</c>+, and what its place in the chain is.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: a value holds NUL.</exception>
    public static byte[] ForInstance(InstanceSpec instance, InstancePaths paths, IReadOnlyList<string> cgroups)
    {
        var spec = new Writer($"application {instance.Aid}");
        spec.Add("hostname", instance.Identity.Hostname);
        spec.Add("lower", instance.Declaration.Root);
        spec.Add("upper", paths.Upper);
        spec.Add("work", paths.Work);
        spec.Add("root", paths.Root);
        foreach (var cgroup in cgroups) spec.Add("cgroup", cgroup);
        foreach (var process in instance.Declaration.Processes) AddProcess(spec, process with { Env = instance.Rules.EnvironmentOf(process.Env) });
        return spec.End();
    }

    /// <summary>Of a program that is to join: <c>request</c>, which its answer begins with, then the process.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: a value holds NUL.</exception>
    public static byte[] ForJoin(ProcessDeclaration process, string request)
    {
        var spec = new Writer($"process '{process.Name}'");
        spec.Add("request", request);
        AddProcess(spec, process);
        return spec.End();
    }

    /// <summary>Of a visitor: <c>cgroup</c>*, <c>terminal COLUMNSxROWS</c> if it gets one, then one process.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: a value holds NUL.</exception>
    public static byte[] ForVisitor(VisitorRequest request, IReadOnlyList<string> cgroups)
    {
        var spec = new Writer("a visitor");
        foreach (var cgroup in cgroups) spec.Add("cgroup", cgroup);
        if (request.Terminal) spec.Add("terminal", $"{Clamp(request.Columns, 80)}x{Clamp(request.Rows, 24)}");
        AddProcess(spec, new ProcessDeclaration { Name = "visitor", Command = request.Command, Env = request.Env, User = request.User, Workdir = request.Workdir });
        return spec.End();
    }

    private static int Clamp(int size, int unknown) => size is > 0 and <= ushort.MaxValue ? size : unknown;

    private static void AddProcess(Writer spec, ProcessDeclaration process)
    {
        spec.Add("process", process.Name);
        spec.Add("user", process.User);
        spec.Add("workdir", process.Workdir);
        foreach (var (name, value) in process.Env.OrderBy(e => e.Key, StringComparer.Ordinal)) spec.Add("env", $"{name}={value}");
        foreach (var argument in process.Command) spec.Add("arg", argument);
        foreach (var name in process.After) spec.Add("after", name);
        if (process.Restart is { } restart) AddRestart(spec, restart);
        if (process.Ready is { } ready) AddReadiness(spec, ready);
        if (SignalNames.TryParse(process.StopSignal, out var signal) && signal != Libc.SIGTERM) spec.Add("stop-signal", $"{signal}");
        if (process.GraceSeconds is { } grace) spec.Add("grace", Milliseconds(grace));
    }

    private static void AddRestart(Writer spec, RestartPolicy restart)
    {
        spec.Add("restart", restart.Policy);
        spec.Add("restart-delay", Milliseconds(restart.DelaySeconds));
        spec.Add("restart-limit", Milliseconds(restart.MaxDelaySeconds));
        spec.Add("restart-reset", Milliseconds(restart.ResetSeconds));
        if (restart.MaxCount is { } count) spec.Add("restart-count", $"{count}");
    }

    private static void AddReadiness(Writer spec, ReadinessTest ready)
    {
        if (ready.Port is { } port) spec.Add("ready-port", $"{port}");
        if (ready.File is { } file) spec.Add("ready-file", file);
        foreach (var argument in ready.Command ?? []) spec.Add("ready-arg", argument);
        spec.Add("ready-interval", Milliseconds(ready.IntervalSeconds));
        spec.Add("ready-timeout", Milliseconds(ready.TimeoutSeconds));
    }

    private static string Milliseconds(double seconds) => ((long)Math.Ceiling(seconds * 1000)).ToString(CultureInfo.InvariantCulture);

    private sealed class Writer(string whose)
    {
        private readonly List<byte> _bytes = [];

        public void Add(string key, string value)
        {
            if (value.Contains('\0', StringComparison.Ordinal))
            {
                throw new VniException(ErrorCodes.InvalidArgument, $"{key} of {whose} holds a NUL character, which no program can be given; remove it");
            }

            _bytes.AddRange(Encoding.UTF8.GetBytes($"{key}\0{value}\0"));
        }

        public byte[] End()
        {
            Add("end", "");
            return [.. _bytes];
        }
    }
}
