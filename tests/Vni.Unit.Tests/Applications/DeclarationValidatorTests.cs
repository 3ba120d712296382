using Vni.Actors;
using Vni.Actors.Applications;
using Xunit;

namespace Vni.Unit.Tests.Applications;

public sealed class DeclarationValidatorTests
{
    private static readonly ProcessDeclaration Good = new() { Command = ["program"] };

    private static IReadOnlyList<string> Problems(ApplicationDeclaration declaration) => DeclarationValidator.Problems(declaration);

    private static IReadOnlyList<string> Problems(ProcessDeclaration process) => Problems(new ApplicationDeclaration { Processes = [process] });

    [Fact]
    public void A_full_declaration_has_no_problem() => Assert.Empty(Problems(new ApplicationDeclaration
    {
        Name = "shop-1",
        Ip = "10.117.0.5",
        Hostname = "shop",
        Root = "/srv/root",
        Limits = new ResourceLimits { Memory = 1024 * 1024, Cpus = 0.01 },
        Processes =
        [
            Good with { Name = "web", Env = new Dictionary<string, string> { ["_A1"] = "x=y", ["EMPTY"] = "" }, User = "www-data:1000", Workdir = "/var/www" },
            Good with { Name = "worker", User = "65535" },
        ],
    }));

    [Fact]
    public void All_problems_are_reported_at_once()
    {
        var e = Assert.Throws<VniException>(() => DeclarationValidator.Check(new ApplicationDeclaration
        {
            Name = "a/b",
            Ip = "10.1",
            Hostname = "UPPER",
            Root = "relative",
            Limits = new ResourceLimits { Memory = 5, Cpus = 0 },
            Processes = [new ProcessDeclaration { Name = "x y", User = "a:b:c", Workdir = "/a/../b", Env = new Dictionary<string, string> { ["1"] = "" } }],
        }));
        Assert.Equal(ErrorCodes.InvalidArgument, e.Code);
        foreach (var part in (string[])["'a/b'", "'10.1'", "'UPPER'", "'relative'", "5 bytes", "0 cpus", "'x y'", "empty", "'1'", "'a:b:c'", "'/a/../b'"])
            Assert.Contains(part, e.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("a.b")]
    [InlineData("../etc")]
    [InlineData("a\0b")]
    [InlineData("a\u001b[31m")]
    public void A_name_that_is_no_label_is_refused_and_quoted(string name)
    {
        var problem = Assert.Single(Problems(new ApplicationDeclaration { Name = name, Processes = [Good] }));
        Assert.DoesNotContain(problem, char.IsControl);
    }

    [Fact]
    public void A_name_of_300_characters_is_refused_without_being_repeated() =>
        Assert.True(Assert.Single(Problems(new ApplicationDeclaration { Name = new string('a', 300), Processes = [Good] })).Length < 250);

    [Theory]
    [InlineData("10.117.0.5")]
    [InlineData("[fd00::5]")]
    [InlineData("fe80::5%eth0")]
    [InlineData("fd00::10.117.0.5")]
    [InlineData("fd00::5::6")]
    [InlineData("fd00:::5")]
    [InlineData(":")]
    [InlineData("None")]
    [InlineData("")]
    public void An_ipv6_address_that_is_not_plain_is_refused(string ip6) =>
        Assert.Contains("write an IPv6 address without", Assert.Single(Problems(new ApplicationDeclaration { Ip6 = ip6, Processes = [Good] })));

    [Theory]
    [InlineData("fd00:117::5")]
    [InlineData("FD00:117:0:0:0:0:0:5")]
    [InlineData("none")]
    public void Any_spelling_of_an_ipv6_address_is_good(string ip6) => Assert.Empty(Problems(new ApplicationDeclaration { Ip6 = ip6, Processes = [Good] }));

    [Theory]
    [InlineData("::1", "the IPv6 address as ip6")]
    [InlineData("fd00::17", "the IPv6 address as ip6")]
    [InlineData("010.1.1.1", "without leading zeros")]
    [InlineData("0x7f.1", "write an IPv4 address")]
    [InlineData("10.117.0.256", "write an IPv4 address")]
    [InlineData("10.117.0.5 ", "write an IPv4 address")]
    [InlineData("shop", "write an IPv4 address")]
    [InlineData("", "write an IPv4 address")]
    public void An_address_that_is_not_plain_ipv4_is_refused(string ip, string because) =>
        Assert.Contains(because, Assert.Single(Problems(new ApplicationDeclaration { Ip = ip, Processes = [Good] })));

    [Theory]
    [InlineData("localhost", "hostname 'localhost' is not valid: it is every instance's name for itself, choose another")]
    [InlineData("ns", "hostname 'ns' is not valid: it is the name server's own, choose another")]
    public void A_hostname_that_means_another_is_refused(string hostname, string sentence) =>
        Assert.Equal(sentence, Assert.Single(Problems(new ApplicationDeclaration { Hostname = hostname, Processes = [Good] })));

    [Fact]
    public void A_chain_has_1_to_64_processes_with_names_of_their_own()
    {
        Assert.Contains("give a command", Assert.Single(Problems(new ApplicationDeclaration())));
        ApplicationDeclaration Of(int count) => new() { Processes = [.. Enumerable.Range(0, count).Select(i => Good with { Name = $"p{i}" })] };
        Assert.Empty(Problems(Of(64)));
        Assert.Contains("at most 64", Assert.Single(Problems(Of(65))));
        Assert.Contains("given twice", Assert.Single(Problems(new ApplicationDeclaration { Processes = [Good, Good] })));
        Assert.Contains("process 1 is empty", Assert.Single(Problems(new ApplicationDeclaration { Processes = [null!] })));
    }

    [Fact]
    public void A_command_holds_a_program_and_no_nul()
    {
        Assert.Contains("is empty", Assert.Single(Problems(Good with { Command = [] })));
        Assert.Contains("is empty", Assert.Single(Problems(Good with { Command = [""] })));
        Assert.Contains("NUL", Assert.Single(Problems(Good with { Command = ["a", "b\0"] })));
        Assert.Contains("null", Assert.Single(Problems(Good with { Command = ["a", null!] })));
        Assert.Contains("less than 131072", Assert.Single(Problems(Good with { Command = ["a", new string('x', 128 * 1024)] })));
    }

    [Theory]
    [InlineData("1A")]
    [InlineData("A-B")]
    [InlineData("A=B")]
    [InlineData("")]
    [InlineData("Ä")]
    public void A_variable_name_is_as_a_shell_takes_it(string name) =>
        Assert.Single(Problems(Good with { Env = new Dictionary<string, string> { [name] = "" } }));

    [Fact]
    public void An_environment_is_bounded_in_bytes_and_holds_no_nul()
    {
        Assert.Empty(Problems(Good with { Env = new Dictionary<string, string> { ["A"] = new string('x', (128 * 1024) - 4) } }));
        Assert.Contains("less than 131072", Assert.Single(Problems(Good with { Env = new Dictionary<string, string> { ["A"] = new string('x', (128 * 1024) - 3) } })));
        Assert.Contains("less than 131072", Assert.Single(Problems(Good with { Env = new Dictionary<string, string> { ["A"] = new string('ä', 64 * 1024) } })));
        Assert.Contains("NUL", Assert.Single(Problems(Good with { Env = new Dictionary<string, string> { ["A"] = "\0" } })));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a:")]
    [InlineData(":a")]
    [InlineData("65536")]
    [InlineData("0:99999999999")]
    [InlineData("-1")]
    [InlineData("a/b")]
    [InlineData("a b")]
    public void A_user_is_a_name_or_an_id_that_an_instance_has(string user) => Assert.Single(Problems(Good with { User = user }));

    [Theory]
    [InlineData("relative")]
    [InlineData("")]
    [InlineData("/a\0")]
    [InlineData("/..")]
    [InlineData("/a/../b")]
    public void Root_and_workdir_are_absolute_and_plain(string path)
    {
        Assert.Single(Problems(Good with { Workdir = path }));
        Assert.Single(Problems(new ApplicationDeclaration { Root = path, Processes = [Good] }));
    }

    [Theory]
    [InlineData(1048575, null)]
    [InlineData(-1, null)]
    [InlineData(null, 0.0)]
    [InlineData(null, 0.009)]
    [InlineData(null, 1024.1)]
    [InlineData(null, double.NaN)]
    [InlineData(null, double.PositiveInfinity)]
    public void Limits_have_bounds(int? memory, double? cpus) =>
        Assert.Single(Problems(new ApplicationDeclaration { Limits = new ResourceLimits { Memory = memory, Cpus = cpus }, Processes = [Good] }));
}
