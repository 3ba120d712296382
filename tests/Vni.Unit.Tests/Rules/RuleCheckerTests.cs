using Vni.Actors.Rules;
using Xunit;

namespace Vni.Unit.Tests.Rules;

public sealed class RuleCheckerTests
{
    private static readonly Dictionary<string, string> Own = new() { ["colour"] = "red" };

    [Theory]
    [InlineData("SET ENV \"A\" = \"<X>\"", "1:16: the variable <X> is not defined; write 'Define <X> as PROPERTY ...'")]
    [InlineData("Define <APPL-ID> as PROPERTY node\nSET ENV \"A\" = \"<APPL-ID><APPL_ID>\"", "2:25: the variable <APPL_ID> is not defined; did you mean <APPL-ID>?")]
    [InlineData("Define <X> as PROPERTY node", "1:1: warning: <X> is never used: remove the line")]
    [InlineData("Define <X> as PROPERTY node\nDefine <X> as PROPERTY hostname\nSET ENV \"A\" = \"<X>\"", "2:1: <X> is defined in line 1 already: leave one of them")]
    [InlineData("Define <X> as PROPERTY aplication-ID\nSET ENV \"A\" = \"<X>\"", "1:24: unknown property 'aplication-ID'; did you mean 'application-ID'?")]
    [InlineData("Define <X> as PROPERTY colour\nSET ENV \"A\" = \"<X>\"", "1:24: unknown property 'colour': use application-ID, virtual-IP, virtual-IP6, hostname, node, template, clone-number, or the application's own in quotes")]
    [InlineData("Define <X> as PROPERTY \"node\"\nSET ENV \"A\" = \"<X>\"", "1:24: every instance has the property 'node': write it without quotes")]
    [InlineData("Define <X> as PROPERTY \"a b\"\nSET ENV \"A\" = \"<X>\"", "1:24: this is no name of a property: use 1 to 64 letters, digits, '-', '_' and '.', a letter first")]
    [InlineData("Define <X> as PROPERTY \"color\"\nSET ENV \"A\" = \"<X>\"", "1:24: the application has no property 'color'; did you mean 'colour'?")]
    [InlineData("Define <X> as PROPERTY \"taste\"\nSET ENV \"A\" = \"<X>\"", "1:24: the application has no property 'taste': give it under 'properties:', or with --property taste=VALUE")]
    [InlineData("SET ENV \"1A\" = \"\"", "1:9: this is no name of a variable: use letters, digits and '_', no digit first, and nothing in angle brackets")]
    [InlineData("SET ENV \"\" = \"\"", "1:9: this is no name of a variable: use letters, digits and '_', no digit first, and nothing in angle brackets")]
    [InlineData("SET ENV \"A\" = \"\"\nSET ENV \"A\" = \"b\"", "2:9: A is set in line 1 already: leave one of them")]
    [InlineData("REDIR PATH \"a\" to \"/b\"", "1:12: the path is not absolute: let it begin with '/'")]
    [InlineData("REDIR PATH \"/a\" to \"\"", "1:20: the target is not absolute: let it begin with '/'")]
    [InlineData("REDIR PATH \"/\" to \"/b\"", "1:12: the path is '/', which is everything: name a directory or file in it")]
    [InlineData("REDIR PATH \"/a\" to \"/b/../c\"", "1:20: the target holds '..': write it without")]
    [InlineData("REDIR PATH \"/a/./b\" to \"/c\"", "1:12: the path holds '.': write it without")]
    [InlineData("REDIR PATH \"/a//b\" to \"/c\"", "1:12: the path has an empty part: write '/' once between two names")]
    [InlineData("REDIR PATH \"/a//\" to \"/c\"", "1:12: the path has an empty part: write '/' once between two names")]
    [InlineData("REDIR PATH \"/a\\n\" to \"/c\"", "1:12: the path holds a control character: leave it out")]
    [InlineData("REDIR PATH \"/proc/x\" to \"/c\"", "1:12: the path is reserved: '/proc' belongs to the instance's shell; choose another")]
    [InlineData("REDIR PATH \"/a\" to \"/dev/shm/a\"", "1:20: the target is reserved: '/dev' belongs to the instance's shell; choose another")]
    [InlineData("REDIR PATH \"/a\" to \"/.vni\"", "1:20: the target is reserved: '/.vni' belongs to the instance's shell; choose another")]
    [InlineData("REDIR PATH \"/etc/hosts\" to \"/c\"", "1:12: the path is reserved: '/etc/hosts' says who the instance is; choose another")]
    [InlineData("REDIR PATH \"/etc\" to \"/c\"", "1:12: the path holds '/etc/hostname', which is reserved: redirect what is beside it")]
    [InlineData("REDIR PATH \"/var\" to \"/c\"", "1:12: the path holds '/var/log/vni', which is reserved: redirect what is beside it")]
    [InlineData("REDIR PATH \"/a\" to \"/c\"\nREDIR PATH \"/a\" to \"/d\"", "2:1: '/a' is redirected in line 1 already: leave one of them")]
    [InlineData("REDIR PATH \"/a\" to \"/c\"\nREDIR PATH \"/b\" to \"/c\"", "2:1: the target '/c' is also that of line 1: give each a target of its own")]
    [InlineData("REDIR PATH \"/a\" to \"/a/\"", "1:1: '/a' is redirected to itself: name another target")]
    [InlineData("REDIR PATH \"/a\" to \"/a/b\"", "1:1: the target '/a/b' lies below the path that it stands for, so the link would lead to itself: choose one elsewhere")]
    [InlineData("REDIR PATH \"/a/b\" to \"/a\"", "1:1: the path '/a/b' lies in its own target: choose a target elsewhere")]
    [InlineData("REDIR PATH \"/a/b\" to \"/c\"\nREDIR PATH \"/a\" to \"/d\"", "1:1: '/a/b' lies below '/a', which line 2 redirects as a whole: leave one of them")]
    [InlineData("REDIR PATH \"/a\" to \"/b\"\nREDIR PATH \"/b\" to \"/c\"", "2:1: '/b' lies in '/b', the target of line 1: redirect to the last target at once")]
    [InlineData("REDIR PATH \"/a\" to \"/b\"\nREDIR PATH \"/b/x\" to \"/c\"", "2:1: '/b/x' lies in '/b', the target of line 1: redirect to the last target at once")]
    [InlineData("REDIR PATH \"/a\" to \"/b/x\"\nREDIR PATH \"/b\" to \"/c\"", "1:1: the target '/b/x' lies below '/b', which line 2 redirects: choose a target elsewhere")]
    [InlineData("REDIR PATH \"/a\" to \"/c/x\"\nREDIR PATH \"/b\" to \"/c\"", "1:1: the target '/c/x' lies in '/c', the target of line 2: give each a directory of its own")]
    [InlineData("RESOURCE tcp ON read DO share\nRESOURCE tcp ON any DO multiplex", "1:1: warning: this rule has no effect: line 2 comes later and says otherwise for all of it")]
    [InlineData("RESOURCE tcp \"80\" ON read DO share\nRESOURCE tcp \"*\" ON read, write DO multiplex", "1:1: warning: this rule has no effect: line 2 comes later and says otherwise for all of it")]
    public void Every_problem_has_its_sentence(string text, string problem) =>
        Assert.Equal(["r:" + problem], RuleChecker.Check(text, Own).Select(p => p.In("r")));

    [Theory]
    [InlineData("Define <X> as PROPERTY \"colour\"\nSET ENV \"A\" = \"<X>\"")]
    [InlineData("Define <X> as PROPERTY HOSTNAME\nREDIR PATH \"/a/\" to \"/b/<X>\"")]
    [InlineData("RESOURCE tcp ON any DO multiplex\nRESOURCE tcp \"80\" ON read DO share")]
    [InlineData("RESOURCE tcp ON any DO multiplex\nRESOURCE udp ON any DO multiplex")]
    [InlineData("REDIR PATH \"/a/b\" to \"/c/1\"\nREDIR PATH \"/a/bb\" to \"/c/11\"")]
    [InlineData("REDIR PATH \"/var/run/x.pid\" to \"/run/x/pid\"")]
    [InlineData("")]
    public void Good_rules_have_no_problem(string text) => Assert.Empty(RuleChecker.Check(text, Own));

    [Fact]
    public void Long_paths_and_names_are_refused()
    {
        Assert.Equal("the path is too long: at most 4095 bytes are possible", Sentence($"REDIR PATH \"{string.Concat(Enumerable.Repeat("/ab", 1366))}\" to \"/b\""));
        Assert.Equal("the target has a name of more than 255 bytes, which no file can have: shorten it", Sentence($"REDIR PATH \"/a\" to \"/{new string('ü', 128)}\""));
        Assert.Equal("with this, the variables that rules set have more than 65536 bytes: set less",
            Sentence(string.Concat(Enumerable.Range(0, 3).Select(i => $"SET ENV \"A{i}\" = \"{string.Concat(Enumerable.Repeat("<X>", 30))}\"\n")) + "Define <X> as PROPERTY \"colour\"", new() { ["colour"] = new string('x', 1000) }));
        Assert.StartsWith("this is too long with the values of its variables",
            Sentence($"REDIR PATH \"/a\" to \"/{string.Concat(Enumerable.Repeat("<X>/", 20))}b\"\nDefine <X> as PROPERTY \"colour\"", new() { ["colour"] = new string('x', 1000) }), StringComparison.Ordinal);
    }

    [Fact]
    public void Own_properties_that_are_not_known_yet_are_no_problem_and_may_begin_a_path()
    {
        Assert.Empty(RuleChecker.Check("Define <X> as PROPERTY \"any\"\nREDIR PATH \"<X>/a\" to \"/b\"", null));
        Assert.Equal("the path is not absolute: let it begin with '/'", Assert.Single(RuleChecker.Check("Define <X> as PROPERTY node\nREDIR PATH \"<X>/a\" to \"/b\"", null)).Sentence);
    }

    [Fact]
    public void Problems_of_all_kinds_come_in_order_of_place() =>
        Assert.Equal([1, 2, 3, 4], RuleChecker.Check("SET ENV \"A\" = \"<X>\"\nFOO\nREDIR PATH \"a\" to \"/b\"\nSET ENV \"A\" = \"\"", null).Select(p => p.Position.Line));

    private static string Sentence(string text, Dictionary<string, string>? own = null) => Assert.Single(RuleChecker.Check(text, own ?? Own)).Sentence;
}
