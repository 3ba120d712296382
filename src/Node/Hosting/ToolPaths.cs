using System.ComponentModel;
using System.Diagnostics;
using Vni.Node.Configuration;

namespace Vni.Node.Hosting;

/// <summary>Where the programs are that the daemon uses, when the configuration does not say.</summary>
internal static class ToolPaths
{
    /// <summary>Where <c>make setup</c> puts CRIU when the system's is too old.</summary>
    internal const string PrivateCriu = "/usr/local/lib/vniakka/criu/bin/criu";

    private static readonly Version LeastCriu = new(4, 2);

    /// <summary>The harness: beside the daemon in a build, in <c>PREFIX/lib/vniakka</c> when installed.</summary>
    internal static string Harness(NodeOptions options, string daemonDirectory)
    {
        if (options.Harness is { } given) return given;
        var beside = Path.Combine(daemonDirectory, "appshot");
        return File.Exists(beside) ? beside : Path.GetFullPath(Path.Combine(daemonDirectory, "../lib/vniakka/appshot"));
    }

    /// <summary>CRIU: the first in <c>PATH</c> if it is 4.2 or later, else the private one.</summary>
    internal static string Criu(NodeOptions options, string? searchPath)
    {
        if (options.Criu is { } given) return given;
        var found = (searchPath ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Select(d => Path.Combine(d, "criu")).FirstOrDefault(File.Exists);
        return found is not null && VersionOf(found) >= LeastCriu ? found : PrivateCriu;
    }

    /// <summary>The version in the first line of <c>criu --version</c> (<c>Version: 4.2.1</c>); 0.0 when it says none.</summary>
    private static Version VersionOf(string criu)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(criu, ["--version"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
            var line = process.StandardOutput.ReadLine() ?? "";
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return Version.TryParse(line.Split(' ')[^1].Split('-')[0], out var version) ? version : new Version(0, 0);
        }
        catch (Win32Exception)
        {
            return new Version(0, 0); // Not a program for this machine.
        }
    }
}
