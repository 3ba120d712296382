using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Vni.Linux.Tests.Checkpoint;

/// <summary>The harness and the test programs, built once a run from this checkout.</summary>
internal static class Programs
{
    private static readonly Lazy<string> Built = new(Build);

    public static string Directory => Built.Value;

    public static string Harness => Path.Combine(Directory, "appshot");

    public static string Criu => new[] { "/usr/local/lib/vniakka/criu/bin/criu", "/usr/sbin/criu", "/usr/local/sbin/criu" }.First(File.Exists);

    /// <summary>Runs a tool to its end; its standard output.</summary>
    public static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error.Result}{output}");
    }

    private static string Build()
    {
        var directory = Path.Combine(Path.GetTempPath(), $"vni-programs-{Environment.ProcessId}");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => System.IO.Directory.Delete(directory, recursive: true);
        Run("make", "-s", "-C", Path.Combine(Checkout(), "tests/apps"), $"OUT={directory}");
        Run("make", "-s", "-C", Path.Combine(Checkout(), "src/Interposer/native"), $"OUT={directory}/appshot");
        return directory;
    }

    private static string Checkout([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../.."));
}
