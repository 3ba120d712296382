using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Vni.Actors.Resources;
using Vni.Actors.Rules;
using Xunit;

namespace Vni.Unit.Tests.Rules;

public sealed class RuleFormatterTests
{
    [Fact]
    public void Files_get_one_form_and_keep_their_comments() =>
        Assert.Equal(
            """
            # Two of them on one node
            Define <APPL-ID> as PROPERTY application-ID  # the name

            REDIR PATH "/user/app/config" to "/usr/app/<APPL-ID>/config"
              #not a rule
            SET ENV "HOME" = "\\ \" \< \n"
            RESOURCE tcp "80" ON create, write DO multiplex
            RESOURCE udp ON any DO copy-on-write

            """.Replace("  #not", "#not", StringComparison.Ordinal),
            Format("""


                # Two of them on one node   
                DEFINE	<APPL-ID>  AS property APPLICATION-id# the name


                redir path "/user/app/config"   TO "/usr/app/<APPL-ID>/config"
                   #not a rule
                set env "HOME"="\\ \" \< \n"
                Resource TCP "80" on write,create do Multiplex
                resource udp on any do copy-on-write

                """));

    [Fact]
    public void An_empty_file_stays_empty() => Assert.Equal("", Format("\n \n\t\n"));

    [Fact]
    public void Formatted_rules_mean_the_same_and_stay_as_they_are() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Files.ToArbitrary(), text =>
        {
            var parsed = RuleParser.Parse(text);
            var formatted = RuleFormatter.Format(parsed.File);
            var again = RuleParser.Parse(formatted);
            return parsed.Problems.Count == 0 && again.Problems.Count == 0
                && Meaning(parsed.File).SequenceEqual(Meaning(again.File)) && RuleFormatter.Format(again.File) == formatted;
        }));

    [Fact]
    public void Whatever_a_text_is_it_is_read_checked_and_evaluated_without_a_failure()
    {
        var random = new Random(4);
        string[] seeds =
        [
            "Define <APPL-ID> as PROPERTY application-ID # c\nREDIR PATH \"/user/app/config\" to \"/usr/app/<APPL-ID>/config\"\nSET ENV \"HOME\" = \"/usr/app/<APPL-ID>\"\n",
            "RESOURCE semaphore \"51*\" ON create, write DO virtualize\nDefine <X> as PROPERTY \"own\"\nSET ENV \"A\" = \"\\\\ \\\" \\< <X>\"\n",
        ];
        const string alphabet = "<>\"\\#=, \t\r\n\0/.*aA-\ud834\udd1e\u00fc1";
        for (var i = 0; i < 20_000; i++)
        {
            var text = new StringBuilder(seeds[i % seeds.Length]);
            for (var n = random.Next(1, 8); n > 0; n--)
            {
                var at = random.Next(text.Length + 1);
                switch (random.Next(4))
                {
                    case 0: text.Insert(at, alphabet[random.Next(alphabet.Length)]); break;
                    case 1: text.Remove(Math.Min(at, text.Length), random.Next(Math.Min(6, text.Length - Math.Min(at, text.Length)) + 1)); break;
                    case 2: text.Insert(at, seeds[random.Next(seeds.Length)].AsSpan()[random.Next(40)..(40 + random.Next(60))]); break;
                    default: text.Append((char)random.Next(char.MaxValue + 1)); break;
                }
            }

            var written = text.ToString();
            RuleChecker.Check(written, i % 3 == 0 ? null : new Dictionary<string, string> { ["own"] = "/v" });
            var parsed = RuleParser.Parse(written);
            if (parsed.Problems.Count > 0) continue;
            var formatted = RuleFormatter.Format(parsed.File);
            var again = RuleParser.Parse(formatted);
            Assert.True(Meaning(parsed.File).SequenceEqual(Meaning(again.File)), written);
            Assert.Equal(formatted, RuleFormatter.Format(again.File));
        }
    }

    [Fact]
    public void The_longest_texts_are_read_in_one_pass()
    {
        string[] hostile = ["\"", "<", "<A>", "\\", "#", "\n", "SET ENV \"A\" = \"", "REDIR PATH \"/a\" to \"/b/c/d/e/f\"\n", "Define <A> as PROPERTY node\n", ",", "RESOURCE tcp ON read,", "a"];
        foreach (var piece in hostile)
        {
            var text = string.Concat(Enumerable.Repeat(piece, RuleLimits.MaxBytes / piece.Length));
            Assert.True(RuleChecker.Check(text, null).Count <= RuleLimits.MaxProblems + 1);
            Assert.True(RuleChecker.Check($"REDIR PATH \"{text[..^100]}\" to \"/b\"", null).Count <= RuleLimits.MaxProblems + 1);
        }
    }

    private static Gen<string> Files =>
        from lines in Lines.ListOf()
        from end in Gen.Elements("", "\n", "\r\n")
        select string.Join('\n', lines) + end;

    private static Gen<string> Lines =>
        from rule in Gen.OneOf(Gen.Constant(""), Definitions, Redirections, Variables, Resources)
        from space in Gen.Elements("", " ", "\t", "  ")
        from comment in Gen.OneOf(Gen.Constant(""), from c in Literal select space + "#" + c.Replace("\n", "", StringComparison.Ordinal))
        select space + rule + comment;

    private static Gen<string> Definitions => from name in Names from property in Gen.Elements("node", "Application-ID", "virtual-IP", "unknown", "\"own\"", "\"a b\"") select $"Define <{name}> as PROPERTY {property}";

    private static Gen<string> Redirections => from path in Texts from target in Texts select $"redir PATH {path} to {target}";

    private static Gen<string> Variables => from name in Texts from value in Texts select $"SET env {name} = {value}";

    private static Gen<string> Resources =>
        from type in Gen.Elements(Enum.GetValues<ResourceType>())
        from name in Gen.OneOf(Gen.Constant(""), Texts)
        from access in Gen.Choose(1, 15)
        from action in Gen.Elements(Enum.GetValues<ResourceDisposition>())
        select $"RESOURCE {ResourceNames.Of(type)} {name} ON {RuleWords.Spell((ResourceAccess)access)} DO {ResourceNames.Of(action)}";

    private static Gen<string> Texts => from parts in Gen.OneOf(from l in Literal select RuleFormatter.Escape(l), from n in Names select $"<{n}>").ListOf() select $"\"{string.Concat(parts)}\"";

    private static Gen<string> Names => Gen.Elements("A", "APPL-ID", "x_1");

    private static Gen<string> Literal => from c in Gen.Elements("/", "\\", "\"", "<", ">", "\n", "\t", "#", " ", "a", "*", "ü", "𝄞", ".").ListOf() select string.Concat(c);

    private static string Format(string text)
    {
        var parsed = RuleParser.Parse(text);
        Assert.Empty(parsed.Problems);
        return RuleFormatter.Format(parsed.File);
    }

    /// <summary>Rules and comments without places and empty lines.</summary>
    private static List<string> Meaning(RuleFile file) =>
        [.. file.Lines.Where(l => l is not { Rule: null, Comment: null }).Select(l => $"{Meaning(l.Rule)}|{l.Comment}")];

    private static string Meaning(Rule? rule) => rule switch
    {
        null => "",
        DefineRule d => $"define {d.Name} {RuleProperties.Spell(d.Property)} {d.IsOwn}",
        RedirectRule r => $"redirect {Meaning(r.Path)} {Meaning(r.Target)}",
        EnvironmentRule e => $"set {Meaning(e.Name)} {Meaning(e.Value)}",
        ResourceRule r => $"resource {r.Type} {(r.Name is null ? "all" : Meaning(r.Name))} {r.Access} {r.Action}",
        _ => throw new ArgumentOutOfRangeException(nameof(rule)),
    };

    private static string Meaning(RuleText text) => string.Join('+', text.Parts.Select(p => p is RulePart.Literal l ? $"'{l.Text}'" : $"<{((RulePart.Variable)p).Name}>"));
}
