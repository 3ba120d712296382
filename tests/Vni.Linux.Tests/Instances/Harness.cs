using System.Diagnostics;

namespace Vni.Linux.Tests.Instances;

/// <summary>The real harness, built once from this checkout.</summary>
internal static class Harness
{
    private static readonly Lazy<string> Built = new(Build);

    /// <summary>Absolute path of <c>appshot</c>.</summary>
    public static string FilePath => Built.Value;

    private static string Build()
    {
        var output = Path.Combine(AppContext.BaseDirectory, "appshot");
        using var make = Process.Start(new ProcessStartInfo("make", ["-s", "-C", Path.Combine(RepositoryRoot(), "src/Interposer/native"), "OUT=" + output])
        {
            RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false,
        })!;
        var errors = make.StandardError.ReadToEnd();
        make.WaitForExit();
        return make.ExitCode == 0 ? output : throw new InvalidOperationException("building the harness failed: " + errors);
    }

    /// <summary><c>VNI_ROOT</c>, or the directory above the test's own that holds the solution.</summary>
    private static string RepositoryRoot()
    {
        if (Environment.GetEnvironmentVariable("VNI_ROOT") is { Length: > 0 } root) return root;
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(at, "VniAkka.sln"))) return at;
        }

        throw new InvalidOperationException("the checkout is not above the test's directory; set VNI_ROOT to it");
    }
}
