using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Resources;
using Vni.Actors.Rules;
using Xunit;

namespace Vni.Unit.Tests.Rules;

public sealed class InstanceRulesTests
{
    private static readonly VirtualIdentity Identity = new("10.117.0.5", 16, "02:00:0a:75:00:05", "web-host");

    [Fact]
    public void The_sources_example_gives_every_instance_its_own()
    {
        const string text = "Define <APPL-ID> as PROPERTY application-ID\nREDIR PATH \"/user/app/config\" to \"/usr/app/<APPL-ID>/config\"\nSET ENV \"HOME\" = \"/usr/app/<APPL-ID>\"";
        foreach (var aid in new[] { "one", "two" })
        {
            var rules = Evaluate(text, aid);
            Assert.Equal([("/user/app/config", $"/usr/app/{aid}/config", false)], rules.Redirections.Select(r => (r.Path, r.Target, r.IsDirectory)));
            Assert.Equal($"/usr/app/{aid}", rules.Environment["HOME"]);
        }
    }

    [Theory]
    [InlineData("application-ID", "web")]
    [InlineData("virtual-ip", "10.117.0.5")]
    [InlineData("HOSTNAME", "web-host")]
    [InlineData("node", "n1")]
    [InlineData("template", "none")]
    [InlineData("clone-number", "0")]
    [InlineData("\"colour\"", "red")]
    public void Every_property_has_its_value(string property, string value) =>
        Assert.Equal($"[{value}]", Evaluate($"Define <X> as PROPERTY {property}\nSET ENV \"A\" = \"[<X>]\"").Environment["A"]);

    [Fact]
    public void A_slash_at_the_end_of_the_path_makes_it_a_directory() =>
        Assert.Equal([("/a", "/b", true), ("/c", "/d", false)], Evaluate("REDIR PATH \"/a/\" to \"/b\"\nREDIR PATH \"/c\" to \"/d/\"").Redirections.Select(r => (r.Path, r.Target, r.IsDirectory)));

    [Theory]
    [InlineData("../../etc", "rules:2:20: the target holds '..': write it without")]
    [InlineData("", "rules:2:20: the target has an empty part: write '/' once between two names")]
    public void Values_that_make_a_bad_path_are_refused_when_they_are_known(string value, string problem)
    {
        var e = Assert.Throws<VniException>(() => Evaluate("Define <X> as PROPERTY \"colour\"\nREDIR PATH \"/a\" to \"/b/<X>/c\"", colour: value));
        Assert.Equal((ErrorCodes.InvalidArgument, $"the rules of application web cannot be applied: {problem}"), (e.Code, e.Message));
    }

    [Fact]
    public void Values_that_make_redirections_meet_are_refused() =>
        Assert.Contains("redirected in line 2 already", Assert.Throws<VniException>(() => Evaluate(
            "Define <X> as PROPERTY \"colour\"\nREDIR PATH \"/red\" to \"/b\"\nREDIR PATH \"/<X>\" to \"/c\"")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(ResourceType.Semaphore, "5193", ResourceAccess.Create, ResourceDisposition.Virtualize)]
    [InlineData(ResourceType.Semaphore, "5193", ResourceAccess.Any, ResourceDisposition.Virtualize)]
    [InlineData(ResourceType.Semaphore, "5193", ResourceAccess.Read, ResourceDisposition.Share)]
    [InlineData(ResourceType.Semaphore, "5194", ResourceAccess.Create, ResourceDisposition.Share)]
    [InlineData(ResourceType.Path, "/srv/web/cache/a.bin", ResourceAccess.Write, ResourceDisposition.CopyOnWrite)]
    [InlineData(ResourceType.Path, "/srv/shop/cache/a.bin", ResourceAccess.Write, null)]
    [InlineData(ResourceType.Tcp, "80", ResourceAccess.Any, null)]
    public void The_last_rule_that_matches_counts(ResourceType type, string name, ResourceAccess access, ResourceDisposition? disposition) =>
        Assert.Equal(disposition, Evaluate("""
            Define <APPL-ID> as PROPERTY application-ID
            RESOURCE semaphore ON any DO share
            RESOURCE semaphore "5193" ON create, write DO virtualize
            RESOURCE path "/srv/<APPL-ID>/*.bin" ON write DO copy-on-write
            """).DispositionOf(type, name, access));

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("a*", "a", true)]
    [InlineData("a*a", "a", false)]
    [InlineData("a*b*c", "abc", true)]
    [InlineData("a*b*c", "a-c-b-c", true)]
    [InlineData("a*b*c", "acb", false)]
    [InlineData("*ab*ab*", "xabx", false)]
    [InlineData("**", "x", true)]
    [InlineData("a", "ab", false)]
    public void Names_match_patterns(string pattern, string name, bool matches) => Assert.Equal(matches, new NamePattern(pattern.Split('*')).Matches(name));

    [Fact]
    public void A_star_in_a_value_is_a_star()
    {
        var rules = Evaluate("Define <X> as PROPERTY \"colour\"\nRESOURCE path \"/<X>/*\" ON any DO share", colour: "*");
        Assert.NotNull(rules.DispositionOf(ResourceType.Path, "/*/a"));
        Assert.Null(rules.DispositionOf(ResourceType.Path, "/red/a"));
    }

    [Fact]
    public void Without_rules_there_is_nothing() => Assert.Same(EvaluatedRules.None, InstanceRules.Of(new ApplicationDeclaration(), Aid.Parse("web"), Identity, "n1"));

    [Fact]
    public void A_declaration_with_bad_rules_or_properties_is_refused_with_all_their_places() =>
        Assert.Equal(
            [
                "property 'node' is not valid: every instance has that property; choose another name",
                "the value of property colour is not valid: it holds a control character",
                "rules:1:1: unknown rule 'FOO': write Define, REDIR PATH, SET ENV or RESOURCE",
                "rules:2:12: the path is not absolute: let it begin with '/'",
            ],
            DeclarationValidator.Problems(new ApplicationDeclaration
            {
                Rules = "FOO\nREDIR PATH \"a\" to \"/b\"\nDefine <UNUSED> as PROPERTY node",
                Properties = new Dictionary<string, string> { ["node"] = "", ["colour"] = "a\0" },
                Processes = [new ProcessDeclaration { Command = ["true"] }],
            }));

    private static EvaluatedRules Evaluate(string text, string aid = "web", string colour = "red") => InstanceRules.Of(
        new ApplicationDeclaration { Rules = text, Properties = new Dictionary<string, string> { ["colour"] = colour } }, Aid.Parse(aid), Identity, "n1");
}
