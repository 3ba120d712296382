using System.Text.RegularExpressions;
using Vni.Cluster.Hosting;
using Vni.Lighthouse.Configuration;
using Xunit;

namespace Vni.Unit.Tests.Names;

public sealed class LighthouseConfigurationTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    [Fact]
    public void It_answers_no_names_unless_it_is_said_where()
    {
        var options = Read("");
        Assert.Null(options.Dns.Listen);
        Assert.Equal(("default", "vni.internal"), (options.DnsFarm, options.Dns.Domain));
        Assert.Empty(options.DnsSubnets);
    }

    [Fact]
    public void Every_key_of_its_names_is_read()
    {
        var options = Read("dns: { listen: [192.0.2.10], farm: lab, domain: lab.example, subnets: [10.9.0.0/16, 'fd00:9::/64'], ttl: 30s, forward: ['9.9.9.9:5353'], clients: [192.0.2.0/24] }");
        Assert.Equal("192.0.2.10:53", Assert.Single(options.Dns.Listen!).ToString());
        Assert.Equal(("lab", "lab.example", TimeSpan.FromSeconds(30)), (options.DnsFarm, options.Dns.Domain, options.Dns.TimeToLive));
        Assert.Equal(["10.9.0.0/16", "fd00:9::/64"], options.DnsSubnets.Select(subnet => subnet.ToString()));
        Assert.Equal(("9.9.9.9:5353", "192.0.2.0/24"), (options.Dns.Forward[0].ToString(), options.Dns.Clients[0].ToString()));
    }

    [Fact]
    public void The_example_says_the_defaults_of_its_names()
    {
        var example = File.ReadAllText(Path.Combine(Repository(), "config/lighthouse.yaml"));
        var read = Read(Regex.Replace(example, "^#(?=(  )*[a-zA-Z]+:)", "", RegexOptions.Multiline | RegexOptions.ExplicitCapture));
        Assert.Equal("192.0.2.10:53", Assert.Single(read.Dns.Listen!).ToString());
        Assert.Equal(read.Dns with { Listen = null }, new LighthouseOptions().Dns);
        Assert.Equal(LighthouseOptions.DefaultSubnet, Assert.Single(read.DnsSubnets));
    }

    [Theory]
    [InlineData("dns: { farm: Lab }", "is not the name of a farm")]
    [InlineData("dns: { listen: ['::'] }", "name each address of this machine")]
    [InlineData("dns: { listen: [192.0.2.10], forward: [192.0.2.10] }", "is this server itself")]
    public void Names_that_could_not_be_answered_are_refused(string yaml, string expected) =>
        Assert.Contains(expected, Assert.Single(Assert.Throws<ConfigurationException>(() => Read(yaml)).Problems));

    public void Dispose() => File.Delete(_file);

    private LighthouseOptions Read(string yaml)
    {
        File.WriteAllText(_file, yaml);
        return LighthouseSettings.Load(_file, []);
    }

    private static string Repository([System.Runtime.CompilerServices.CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../.."));
}
