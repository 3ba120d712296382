using System.Globalization;
using System.Text.RegularExpressions;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>Lighthouse answers a farm's names, while applications move and under load.</summary>
public sealed partial class NamesTests(PlaygroundFixture fixture) : PlaygroundTests(fixture)
{
    private const int Rate = 10_000;
    private const int Seconds = 8;
    private const string Domain = "vni.internal";

    [Fact]
    public async Task Ten_thousand_queries_a_second_are_answered_while_an_application_moves()
    {
        var ip = await RunCounterAsync("mover");
        var hostname = (await Farm.InspectAsync("mover")).Text("hostname");
        var asker = (await Farm.RunAsync("n2", "asker", App("static"))).Text("hostname");
        var queries = Path.Combine(Farm.Directory, "queries");
        var reverse = string.Join('.', ip.Split('.').Reverse()) + ".in-addr.arpa";
        await File.WriteAllTextAsync(queries, $"{hostname}.{Domain} A\n{asker}.{Domain} A\n{hostname}.{Domain} AAAA\n{reverse} PTR\n");
        foreach (var name in new[] { hostname, asker })
            await Eventually.GetAsync($"the name {name}", () => DigAsync("+short", $"{name}.{Domain}"), said => said.StartsWith("10.117.", StringComparison.Ordinal));

        var load = Farm.Client.TryAsync("dnsperf", "-s", Server, "-d", queries, "-Q", $"{Rate}", "-l", $"{Seconds}", "-c", "4");
        var (moves, looks) = (0, 0);
        var moving = Task.Run(async () =>
        {
            for (; !load.IsCompleted; moves++) await Farm.MigrateAsync("mover", Farm.Nodes[(moves + 1) % Farm.Nodes.Count]);
        });
        for (; !load.IsCompleted; looks++)
        {
            Assert.Equal(ip, await DigAsync("+short", $"{hostname}.{Domain}"));
            Assert.Equal($"{hostname}.{Domain}.", await DigAsync("+short", "-x", ip));
            Assert.StartsWith(ip + " ", await Farm.VniAsync("n2", "exec", "asker", "--", "getent", "hosts", hostname));
        }

        await moving;
        var outcome = await load;
        Assert.True(outcome.Status == 0 && moves > 1 && looks > 1, $"{moves} moves, {looks} looks: {outcome}");
        Assert.Matches(@"Queries lost:\s+0 ", outcome.Output);
        Assert.Matches(@"Response codes:\s+NOERROR \d+ \(100\.00%\)", outcome.Output);
        var (sent, completed) = (Number(Sent().Match(outcome.Output)), Number(Completed().Match(outcome.Output)));
        Assert.True(sent > 0 && sent == completed, outcome.Output);
    }

    [Fact]
    public async Task A_name_is_known_on_every_node_and_goes_with_its_application()
    {
        await RunCounterAsync("first", "n1");
        await Farm.RunAsync("n3", "third", App("static"));
        var (name, ip) = ((await Farm.InspectAsync("first")).Text("hostname"), (await Farm.InspectAsync("first")).Text("ip"));
        foreach (var asked in new[] { name, $"{name}.{Domain}" })
        {
            var said = await Eventually.GetAsync("a name on another node", () => Farm.TryVniAsync("n3", "exec", "third", "--", "getent", "ahosts", asked), o => o.Status == 0);
            Assert.StartsWith(ip + " ", said.Output);
        }

        await Farm.VniAsync("n1", "rm", "--force", "first");
        await Eventually.GetAsync("the end of a name", () => DigAsync($"{name}.{Domain}"), said => said.Contains("status: NXDOMAIN", StringComparison.Ordinal));
    }

    private string Server => Farm.AddressOf("registry");

    private async Task<string> DigAsync(params string[] question) => (await Farm.Client.TryAsync("dig", ["+tries=1", "+time=5", $"@{Server}", .. question])).Output.Trim();

    private static int Number(Match match) => int.Parse(match.Groups["number"].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Queries sent:\s+(?<number>\d+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Sent();

    [GeneratedRegex(@"Queries completed:\s+(?<number>\d+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Completed();
}
