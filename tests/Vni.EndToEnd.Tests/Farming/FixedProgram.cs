using System.Text.Json.Nodes;

namespace Vni.EndToEnd.Tests.Farming;

/// <summary>A root in which <c>tests/apps/fixed.c</c> is installed, with the configuration it ships, and rules for it.</summary>
internal static class FixedProgram
{
    private const string Rules = """
        # The source's own example, and the PID file.
        Define  <APPL-ID> as PROPERTY application-ID
        REDIR PATH  "/user/app/config" to "/usr/app/<APPL-ID>/config"
        REDIR PATH  "/var/run/fixed.pid" to "/usr/app/<APPL-ID>/run/fixed.pid"
        SET ENV  "HOME" = "/usr/app/<APPL-ID>"
        """;

    /// <summary>Makes both in a directory.</summary>
    public static async Task<(string Root, string Rules)> MakeAsync(string directory, string program)
    {
        var root = Path.Combine(directory, "fixed-root");
        var rules = Path.Combine(directory, "fixed.rules");
        if (Directory.Exists(root)) return (root, rules);
        var config = Directory.CreateDirectory(Path.Combine(root, "user/app/config")).FullName;
        await File.WriteAllTextAsync(Path.Combine(config, "settings"), "as shipped\n");
        await Shell.RunAsync("chown", "7:8", config);
        File.SetUnixFileMode(config, (UnixFileMode)0x1e8 /* 0750 */);
        Directory.CreateDirectory(Path.Combine(root, "var"));
        File.CreateSymbolicLink(Path.Combine(root, "var/run"), "/run");
        File.Copy(program, Path.Combine(root, "fixed"));
        await File.WriteAllTextAsync(rules, Rules);
        return (root, rules);
    }

    public static async Task<JsonNode> ReportAsync(LineClient client) => JsonNode.Parse(await client.AskAsync("REPORT"))!;

    /// <summary>What the instance must see: shipped settings, owner and mode at its own target.</summary>
    public static void Check(JsonNode report, string aid, int value)
    {
        foreach (var name in new[] { "semaphoreValue", "shared", "message" }) Assert.Equal(value, (int)report[name]!);
        Assert.Equal("as shipped", (string?)report["settings"]);
        Assert.Equal((int)report["pid"]!, (int)report["pidFile"]!);
        Assert.Equal($"/usr/app/{aid}/config", (string?)report["config"]);
        Assert.Equal($"/usr/app/{aid}/config/journal", (string?)report["journal"]);
        Assert.Equal($"/usr/app/{aid}", (string?)report["home"]);
        Assert.Equal((0x1e8, 7), ((int)report["mode"]!, (int)report["uid"]!));
    }

    /// <summary>The root itself is never written.</summary>
    public static void CheckRoot(string root) => Assert.Equal(["settings"], Directory.GetFileSystemEntries(Path.Combine(root, "user/app/config")).Select(Path.GetFileName));
}
