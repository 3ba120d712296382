using System.Collections;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Vni.Actors;
using Vni.Cli.Terminal;

namespace Vni.Cli.Playground;

/// <summary>Runs other programs.</summary>
internal sealed class Tools(Func<string, string?> environment)
{
    private const int LongestComplaint = 4096;

    private string? SearchPath => environment("PATH");

    /// <summary>ip(8) in a namespace; all commands of a text, up to the first that fails.</summary>
    public Task IpAsync(string inNamespace, string batch) =>
        RunAsync(FarmPrograms.Need("ip", "iproute2", SearchPath), ["-n", inNamespace, "-batch", "-"], batch);

    /// <summary>ip(8).</summary>
    public Task IpAsync(params string[] arguments) => RunAsync(FarmPrograms.Need("ip", "iproute2", SearchPath), arguments, "");

    /// <summary>nft(8) in a namespace; all of the text or nothing.</summary>
    public Task NftAsync(string inNamespace, string rules)
    {
        var nft = FarmPrograms.Need("nft", "nftables", SearchPath);
        var (nsenter, arguments) = Enter(inNamespace, [nft, "-f", "-"]);
        return RunAsync(nsenter, arguments, rules);
    }

    /// <summary>What runs a command in a namespace.</summary>
    public (string Program, IReadOnlyList<string> Arguments) Enter(string inNamespace, IReadOnlyList<string> command) =>
        (FarmPrograms.Need("nsenter", "util-linux", SearchPath), [$"--net={NamespaceFile(inNamespace)}", "--", .. command]);

    /// <summary>Where iproute2 keeps a namespace.</summary>
    public static string NamespaceFile(string name) => $"/run/netns/{name}";

    /// <summary>Starts a program that outlives us, in a cgroup, with its output at the end of a file.</summary>
    /// <returns>Its process id.</returns>
    public int StartDaemon(IReadOnlyList<string> command, string inNamespace, string cgroup, string log)
    {
        // The shell enters the cgroup before anything else happens: nothing that is started later can be outside.
        const string script = "echo $$ > \"$1/cgroup.procs\" && shift && exec \"$@\"";
        var (program, arguments) = Enter(inNamespace, command);
        using var nothing = File.OpenHandle("/dev/null");
        using var output = new FileStream(log, new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        return Spawn("/bin/sh", ["-c", script, "sh", cgroup, program, .. arguments], [], [nothing, output.SafeFileHandle, output.SafeFileHandle], session: true);
    }

    /// <summary>Starts a program at our own streams.</summary>
    /// <returns>Its process id.</returns>
    public static int StartHere(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> variables) =>
        Spawn(program, arguments, variables, [], session: false);

    private static async Task RunAsync(string program, IReadOnlyList<string> arguments, string text)
    {
        using var input = Libc.MemoryFile("input");
        using var output = Libc.MemoryFile("output");
        RandomAccess.Write(input, Encoding.UTF8.GetBytes(text), 0);
        var pid = Spawn(program, arguments, [], [input, output, output], session: true);
        var status = await Task.Run(() => Libc.Wait(pid));
        if (status == 0) return;
        var complaint = new byte[LongestComplaint];
        var said = Encoding.UTF8.GetString(complaint, 0, RandomAccess.Read(output, complaint, 0)).Trim();
        throw new VniException(ErrorCodes.NodeIncapable, $"'{Path.GetFileName(program)} {string.Join(' ', arguments)}' has failed with status {status}: {said}");
    }

    private static int Spawn(
        string program, IReadOnlyList<string> arguments, IEnumerable<KeyValuePair<string, string>> variables, ReadOnlySpan<SafeFileHandle> streams, bool session)
    {
        var environment = new Dictionary<string, string>();
        foreach (DictionaryEntry variable in System.Environment.GetEnvironmentVariables()) environment[(string)variable.Key] = (string?)variable.Value ?? "";
        foreach (var (name, value) in variables) environment[name] = value;
        Span<int> descriptors = stackalloc int[streams.Length];
        for (var i = 0; i < streams.Length; i++) descriptors[i] = (int)streams[i].DangerousGetHandle();
        return Libc.Spawn(program, [program, .. arguments], environment.Select(v => $"{v.Key}={v.Value}"), descriptors, session);
    }
}
