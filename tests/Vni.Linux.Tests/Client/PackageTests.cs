using System.Diagnostics;
using System.IO.Compression;
using Xunit;

namespace Vni.Linux.Tests.Client;

/// <summary>The client library as others get it: packed, and used by the sample from a folder of packages.</summary>
public sealed class PackageTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vni-package-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task The_sample_builds_with_the_package_alone()
    {
        var repository = Repository();
        var feed = Path.Combine(_directory.FullName, "feed");
        await RunAsync(repository, "artifacts", "pack", "src/Client", "-c", "Release", "-o", feed);
        var package = Assert.Single(Directory.GetFiles(feed, "Vni.Client.*.nupkg"));
        using (var content = ZipFile.OpenRead(package))
        {
            var files = content.Entries.Select(entry => entry.FullName).ToHashSet();
            Assert.Superset(new HashSet<string> { "README.md", "lib/net10.0/Vni.Client.dll", "lib/net10.0/Vni.Client.xml", "lib/net10.0/Vni.Actors.dll" }, files);
        }

        // A copy outside of the repository, so that none of its rules applies; what the package needs itself is here already.
        var sample = Path.Combine(_directory.FullName, "KeepAway");
        Directory.CreateDirectory(sample);
        foreach (var file in Directory.GetFiles(Path.Combine(repository, "samples/KeepAway"))) File.Copy(file, Path.Combine(sample, Path.GetFileName(file)));
        var known = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget/packages");
        await RunAsync(sample, "unused", "build", "-c", "Release",
            $"-p:RestoreSources={feed}", $"-p:RestorePackagesPath={_directory.FullName}/packages", $"-p:RestoreFallbackFolders={known}");
        Assert.True(File.Exists(Path.Combine(sample, "bin/Release/net10.0/Vni.Actors.dll")));

        var (status, output) = await DotnetAsync(sample, "unused", [Path.Combine(sample, "bin/Release/net10.0/KeepAway.dll")]);
        Assert.True(status == 2, output);
        Assert.Contains("usage: KeepAway", output);
    }

    private async Task RunAsync(string directory, string artifacts, params string[] arguments)
    {
        var (status, output) = await DotnetAsync(directory, artifacts, [.. arguments, "-nologo", "-v:quiet", "-m:1", "-p:UseSharedCompilation=false"]);
        Assert.True(status == 0, output);
    }

    private async Task<(int Status, string Output)> DotnetAsync(string directory, string artifacts, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["VNI_ARTIFACTS"] = Path.Combine(_directory.FullName, artifacts);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }

    private static string Repository([System.Runtime.CompilerServices.CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../.."));
}
