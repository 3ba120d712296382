using System.Text.Json.Nodes;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests;

/// <summary>Dynamic symbolic links and variables by rules [B2, B8, C6]: what was written to run once runs twice on one node.</summary>
public sealed class RulesTests(FarmFixture fixture) : FarmTests(fixture)
{
    [Fact]
    public async Task Two_copies_of_a_program_with_fixed_keys_port_paths_and_PID_file_run_side_by_side_and_keep_what_is_theirs()
    {
        var (root, rules) = await FixedProgram.MakeAsync(Farm.Directory, App("fixed"));
        var clients = new Dictionary<string, LineClient>();
        var before = new Dictionary<string, JsonNode>();
        try
        {
            foreach (var (aid, value) in new[] { ("one", 11), ("two", 22) })
            {
                var ip = (await Farm.VniJsonAsync("run", "--name", aid, "--root", root, "--rules", rules, "--", "/fixed")).Text("ip");
                clients[aid] = await LineClient.ConnectAsync(Farm.Client, ip, 7100);
                Assert.Equal(7, (int)(await FixedProgram.ReportAsync(clients[aid]))["semaphoreValue"]!);
                Assert.Equal("ok", await clients[aid].AskAsync($"SET {value}"));
                await clients[aid].CountAsync();
            }

            foreach (var (aid, value) in new[] { ("one", 11), ("two", 22) })
            {
                before[aid] = await FixedProgram.ReportAsync(clients[aid]);
                FixedProgram.Check(before[aid], aid, value);
            }

            foreach (var id in new[] { "semaphore", "segment", "queue", "pid" }) Assert.Equal((int)before["one"][id]!, (int)before["two"][id]!);
            Assert.Equal("1\n", await File.ReadAllTextAsync(Journal("one")));

            // The open file below the redirected directory is the same after a restore, and so is everything else.
            await Farm.VniAsync("snapshot", "one");
            await clients["two"].CountAsync();
            await Farm.VniAsync("restore", "one");
            Assert.True(JsonNode.DeepEquals(before["one"], await FixedProgram.ReportAsync(clients["one"])));
            await clients["one"].CountAsync();
            await clients["one"].CountAsync();
            Assert.Equal("1\n2\n3\n", await File.ReadAllTextAsync(Journal("one")));
            Assert.Equal("1\n2\n", await File.ReadAllTextAsync(Journal("two")));

            // A new start finds the layer as it was left.
            await Farm.VniAsync("stop", "one");
            await Farm.VniAsync("start", "one");
            await clients["one"].DisposeAsync();
            clients["one"] = await LineClient.ConnectAsync(Farm.Client, (await Farm.InspectAsync("one")).Text("ip"), 7100);
            await clients["one"].CountAsync();
            Assert.Equal("1\n2\n3\n1\n", await File.ReadAllTextAsync(Journal("one")));
            FixedProgram.CheckRoot(root);
        }
        finally
        {
            foreach (var client in clients.Values) await client.DisposeAsync();
        }

        string Journal(string aid) => Path.Combine(Farm.State, "instances", aid, "upper", "usr/app", aid, "config/journal");
    }

    [Fact]
    public async Task Rules_are_shown_evaluated_and_their_variables_reach_programs_and_visitors()
    {
        var file = Path.Combine(Farm.Directory, "shown.yaml");
        await File.WriteAllTextAsync(file, $$"""
            name: shown
            hostname: shown-host
            properties:
              colour: dark blue
            rules: |
              Define <APPL-ID> as PROPERTY application-ID
              Define <COLOUR> as PROPERTY "colour"
              REDIR PATH "/etc/machine-id" to "/srv/<APPL-ID>/machine-id"
              REDIR PATH "/var/spool/mine/" to "/srv/<APPL-ID>/spool"
              SET ENV "COLOUR" = "<COLOUR>"
              SET ENV "OWN" = "rules"
              RESOURCE tcp "7000" ON any DO multiplex
            processes:
              - command: [sh, -c, "echo $COLOUR $OWN; echo x > /var/spool/mine/file; exec sleep 1000"]
                env: { OWN: process }
            """);
        var shown = await Farm.VniJsonAsync("run", "-f", file, "--property", "colour=red");
        Assert.Equal("red", shown.GetProperty("declaration").GetProperty("properties").Text("colour"));
        await Eventually.GetAsync("output", () => Farm.VniAsync("logs", "shown"), log => log.Contains("red process", StringComparison.Ordinal));
        Assert.Equal("red rules\nx\n/srv/shown/machine-id\n", await Farm.VniAsync("exec", "shown", "--", "sh", "-c", "echo $COLOUR $OWN; cat /srv/shown/spool/file; readlink /etc/machine-id"));
        Assert.Equal("""
            REDIR PATH "/etc/machine-id" to "/srv/shown/machine-id"
            REDIR PATH "/var/spool/mine" to "/srv/shown/spool"
            SET ENV "COLOUR" = "red"
            SET ENV "OWN" = "rules"
            RESOURCE tcp "7000" ON any DO multiplex

            """, await Farm.VniAsync("rules", "show", "shown"));
        Assert.Equal("red", (await Farm.InspectAsync("shown")).GetProperty("rules").GetProperty("environment").Text("COLOUR"));
    }

    [Fact]
    public async Task Bad_rules_are_refused_with_every_place_and_nothing_is_left()
    {
        var rules = Path.Combine(Farm.Directory, "bad.rules");
        await File.WriteAllTextAsync(rules, "REDIR PATH \"/a\" to \"<X>\"\nSET ENV HOME = \"/\"\n");
        var sentence = await Farm.RefusedAsync("invalid_argument", "run", "--name", "bad", "--rules", rules, "--", "/bin/true");
        Assert.Contains($"{rules}:1:21: the variable <X> is not defined", sentence, StringComparison.Ordinal);
        Assert.Contains($"{rules}:2:9: the name of the variable in double quotes must follow ENV", sentence, StringComparison.Ordinal);

        // Only the files tell.
        await File.WriteAllTextAsync(rules, "REDIR PATH \"/etc/passwd/x\" to \"/srv/x\"\n");
        sentence = await Farm.RefusedAsync("invalid_argument", "run", "--name", "bad", "--rules", rules, "--", "/bin/true");
        Assert.Contains("rules:1:1: '/etc/passwd', on the way of '/etc/passwd/x', is no directory", sentence, StringComparison.Ordinal);
        await Farm.RefusedAsync("not_found", "inspect", "bad");
    }
}
