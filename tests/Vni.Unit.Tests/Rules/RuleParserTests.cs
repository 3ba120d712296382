using Vni.Actors.Resources;
using Vni.Actors.Rules;
using Xunit;

namespace Vni.Unit.Tests.Rules;

public sealed class RuleParserTests
{
    private const string Source = """
        Define	<APPL-ID> as PROPERTY application-ID
        REDIR PATH	"/user/app/config" to "/usr/app/<APPL-ID>/config"
        SET ENV	"HOME" = "/usr/app/<APPL-ID>"
        """;

    [Fact]
    public void The_sources_own_example_is_read_as_it_stands()
    {
        var parsed = RuleParser.Parse(Source);
        Assert.Empty(parsed.Problems);
        var define = Assert.Single(parsed.File.Of<DefineRule>());
        Assert.Equal(("APPL-ID", "application-ID", false), (define.Name, define.Property, define.IsOwn));
        var redirect = Assert.Single(parsed.File.Of<RedirectRule>());
        Assert.Equal([new RulePart.Literal("/user/app/config")], redirect.Path.Parts);
        Assert.Equal(
            [new RulePart.Literal("/usr/app/"), new RulePart.Variable("APPL-ID", new RulePosition(2, 44)), new RulePart.Literal("/config")], redirect.Target.Parts);
        var set = Assert.Single(parsed.File.Of<EnvironmentRule>());
        Assert.Equal([new RulePart.Literal("HOME")], set.Name.Parts);
        Assert.Equal(new RulePosition(3, 18), set.Value.Position);
    }

    [Fact]
    public void Keywords_may_have_any_case_and_lines_may_end_as_on_windows() =>
        Assert.Equal(3, Rules("DEFINE <X> AS property Hostname\r\nredir path \"/a\" TO \"/b\"\r\nset env \"A\"=\"b\"\r\n").Length);

    [Fact]
    public void A_rule_on_resources_names_type_access_and_action()
    {
        var rule = Assert.IsType<ResourceRule>(Assert.Single(Rules("RESOURCE semaphore \"5193\" ON create, write DO virtualize")));
        Assert.Equal((ResourceType.Semaphore, ResourceAccess.Create | ResourceAccess.Write, ResourceDisposition.Virtualize), (rule.Type, rule.Access, rule.Action));
        rule = Assert.IsType<ResourceRule>(Assert.Single(Rules("resource posix-shared-memory on any do copy-on-write # all of them")));
        Assert.Equal((ResourceType.PosixSharedMemory, null, ResourceAccess.Any, ResourceDisposition.CopyOnWrite), (rule.Type, rule.Name, rule.Access, rule.Action));
    }

    [Fact]
    public void Escapes_stand_for_their_characters_and_a_sharp_within_quotes_is_no_comment()
    {
        var rule = Assert.IsType<EnvironmentRule>(Assert.Single(Rules("""SET ENV "A" = "\\ \" \<X> \n\t # ü 𝄞" # comment""")));
        Assert.Equal([new RulePart.Literal("\\ \" <X> \n\t # ü 𝄞")], rule.Value.Parts);
    }

    [Theory]
    [InlineData("FOO", 1, "unknown rule 'FOO': write Define, REDIR PATH, SET ENV or RESOURCE")]
    [InlineData("  Defin <A> as PROPERTY node", 3, "unknown rule 'Defin'; did you mean 'Define'?")]
    [InlineData("\"a\"", 1, "a rule cannot begin with a text in quotes: write Define, REDIR PATH, SET ENV or RESOURCE")]
    [InlineData("Define APPL as PROPERTY node", 8, "a variable such as <APPL-ID> must follow Define; found 'APPL'")]
    [InlineData("Define <A> is PROPERTY node", 12, "'as' must follow <A>; found 'is'")]
    [InlineData("Define <A> as PROPERTY", 23, "a property such as application-ID must follow PROPERTY; found the end of the line")]
    [InlineData("Define <A> as PROPERTY \"<B>\"", 24, "a property's name is a plain text, not empty and without variables")]
    [InlineData("Define <A> as PROPERTY node node", 29, "the rule is complete before 'node': write one rule a line, and comments after '#'")]
    [InlineData("Define <1> as PROPERTY node", 8, "'<' begins a variable such as <APPL-ID>, of letters, digits, '-' and '_' and a letter first; within quotes, '\\<' is the character itself")]
    [InlineData("REDIR PTH \"/a\" to \"/b\"", 7, "'PATH' must follow REDIR; found 'PTH'")]
    [InlineData("REDIR PATH /a to /b", 12, "'/' has no meaning here: rules are made of words, <VARIABLES> and \"texts\"")]
    [InlineData("REDIR PATH \"/a\" \"/b\"", 17, "'to' must follow the path; found a text in quotes")]
    [InlineData("REDIR PATH \"/a\" to", 19, "the target in double quotes must follow to; found the end of the line")]
    [InlineData("REDIR PATH \"/a to", 12, "this text has no closing quote: a text ends on its line")]
    [InlineData("REDIR PATH \"/a\\", 15, "this text has no closing quote: a text ends on its line")]
    [InlineData("REDIR PATH “/a” to", 12, "texts stand in straight double quotes: \"like this\"")]
    [InlineData("SET ENV \"A\" \"b\"", 13, "'=' must follow the name; found a text in quotes")]
    [InlineData("SET ENV \"A\" = <B>", 15, "the value in double quotes must follow '='; found the variable <B>")]
    [InlineData("SET ENV \"A\" = \"\\x\"", 16, "unknown escape: use \\\\, \\\", \\<, \\n or \\t")]
    [InlineData("SET ENV \"A\" = \"a\0\"", 17, "the text holds a NUL character, which neither a path nor a variable can")]
    [InlineData("SET ENV \"A\" = \"a\tb\"", 17, "the text holds a tab: write \\t")]
    [InlineData("SET ENV \"A\" = \"a\u0007\"", 17, "the text holds a control character or half a character (U+0007): remove it")]
    [InlineData("# a\u0007", 4, "the comment holds a control character (U+0007): remove it")]
    [InlineData("RESOURCE semaphor ON any DO share", 10, "unknown type of resource 'semaphor'; did you mean 'semaphore'?")]
    [InlineData("RESOURCE \"5193\" ON any DO share", 10, "a type of resource must follow RESOURCE; found a text in quotes")]
    [InlineData("RESOURCE tcp DO share", 14, "'ON' must follow the type, or a name in quotes; found 'DO'")]
    [InlineData("RESOURCE tcp ON open DO share", 17, "unknown access 'open'; use any, create, destroy, read, write")]
    [InlineData("RESOURCE tcp ON read, read DO share", 23, "'read' is said already: name each access once")]
    [InlineData("RESOURCE tcp ON read, any DO share", 23, "'any' stands alone: it is all the others")]
    [InlineData("RESOURCE tcp ON any DO shar", 24, "unknown action 'shar'; did you mean 'share'?")]
    public void What_cannot_be_read_is_told_with_its_place(string line, int column, string sentence)
    {
        var problem = Assert.Single(RuleParser.Parse("# first\n" + line + "\n").Problems);
        Assert.Equal((new RulePosition(2, column), sentence), (problem.Position, problem.Sentence));
    }

    [Fact]
    public void Half_a_character_is_refused() => // Not an attribute's argument: it would not survive there.
        Assert.Equal("the text holds a control character or half a character (U+D834): remove it", Assert.Single(RuleParser.Parse("SET ENV \"A\" = \"a\ud834\"").Problems).Sentence);

    [Fact]
    public void A_variables_name_has_a_limit() =>
        Assert.Equal("the variable's name has 65 characters: at most 64 are possible", Assert.Single(RuleParser.Parse($"Define <{new string('A', 65)}> as PROPERTY node").Problems).Sentence);

    [Fact]
    public void All_lines_with_problems_are_told_at_once_and_the_others_are_read()
    {
        var parsed = RuleParser.Parse("FOO\nDefine <A> as PROPERTY node\nREDIR\nSET ENV \"A\" = \"b\"");
        Assert.Equal([1, 3], parsed.Problems.Select(p => p.Position.Line));
        Assert.Equal(2, parsed.File.Of<Rule>().Count());
    }

    [Fact]
    public void Too_much_is_refused_without_reading_it_all()
    {
        Assert.Equal("the rules have 65537 bytes: at most 65536 are possible", Assert.Single(RuleParser.Parse(new string('#', 65537)).Problems).Sentence);
        Assert.Equal("this is rule 1001: at most 1000 are possible", Assert.Single(RuleParser.Parse(string.Concat(Enumerable.Range(0, 1500).Select(i => $"SET ENV \"A{i}\" = \"b\"\n"))).Problems).Sentence);
        var problems = RuleParser.Parse(string.Concat(Enumerable.Repeat("x\n", 30000))).Problems;
        Assert.Equal(RuleLimits.MaxProblems + 1, problems.Count);
        Assert.Equal("from here on nothing was read: there are too many problems before", problems[^1].Sentence);
    }

    private static Rule[] Rules(string text)
    {
        var parsed = RuleParser.Parse(text);
        Assert.Empty(parsed.Problems);
        return [.. parsed.File.Of<Rule>()];
    }
}
