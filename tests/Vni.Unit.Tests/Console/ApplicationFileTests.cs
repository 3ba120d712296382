using System.Runtime.CompilerServices;
using Vni.Actors;
using Vni.Cli.Declarations;
using Xunit;

namespace Vni.Unit.Tests.Cli;

public sealed class ApplicationFileTests
{
    [Fact]
    public void Every_key_is_read()
    {
        var declaration = ApplicationFile.Parse(
            """
            # The shop.
            name: shop
            ip: 10.117.0.5
            ip6: fd00:117::5
            hostname: shop-1
            root: /srv/shop
            limits:
              memory: 1.5G
              cpus: 0.5
            processes:
              - name: cache
                command: [redis-server, --port, 7000, ""]
              - name: web
                command: nginx -g 'daemon off;'
                env: { PORT: 8080, DEBUG: "yes", EMPTY: "" }
                user: 33
                workdir: /srv
            """,
            "application.yaml");

        Assert.Equal(("shop", "10.117.0.5", "shop-1", "/srv/shop"), (declaration.Name, declaration.Ip, declaration.Hostname, declaration.Root));
        Assert.Equal((1_610_612_736L, 0.5), (declaration.Limits.Memory, declaration.Limits.Cpus));
        var (cache, web) = (declaration.Processes[0], declaration.Processes[1]);
        Assert.Equal(["redis-server", "--port", "7000", ""], cache.Command);
        Assert.Equal(("cache", "root", "/"), (cache.Name, cache.User, cache.Workdir));
        Assert.Equal(["nginx", "-g", "daemon off;"], web.Command);
        Assert.Equal(("web", "33", "/srv"), (web.Name, web.User, web.Workdir));
        Assert.Equal(new Dictionary<string, string> { ["PORT"] = "8080", ["DEBUG"] = "yes", ["EMPTY"] = "" }, web.Env);
    }

    [Fact]
    public void Rules_and_properties_are_read_and_their_problems_are_told_in_place()
    {
        var declaration = ApplicationFile.Parse(
            """
            rules: |
              Define <C> as PROPERTY "colour"
              SET ENV "A" = "<C>"  # kept
            properties: { colour: red, tier: 1 }
            processes: [{command: a}]
            """,
            "a.yaml");
        Assert.Equal("Define <C> as PROPERTY \"colour\"\nSET ENV \"A\" = \"<C>\"  # kept\n", declaration.Rules);
        Assert.Equal(new Dictionary<string, string> { ["colour"] = "red", ["tier"] = "1" }, declaration.Properties);
        AssertProblems(
            """
            rules: |
              SET ENV "A" = "<C>"
              FOO
            properties: { node: a, colour: [b], tier: "a\0", b: 1, b: 2 }
            processes: [{command: a}]
            """,
            "a.yaml:1:8: rules, line 1, column 16: the variable <C> is not defined; write 'Define <C> as PROPERTY ...'",
            "a.yaml:1:8: rules, line 2, column 1: unknown rule 'FOO': write Define, REDIR PATH, SET ENV or RESOURCE",
            "a.yaml:4:15: property 'node' is not valid: every instance has that property; choose another name",
            "a.yaml:4:32: properties.colour must be a text; found a list",
            "a.yaml:4:43: properties.tier is not valid: it holds a control character",
            "a.yaml:4:56: key 'b' in properties is given twice");
        AssertProblems("rules: [a]\nproperties: b\nprocesses: [{command: a}]", "a.yaml:1:8: rules must be a text, such as a block after '|'; found a list", "a.yaml:2:13: properties must be a mapping of names to values; found 'b'");
    }

    [Fact]
    public void The_least_is_one_command()
    {
        var declaration = ApplicationFile.Parse("processes: [{command: sleep 100}]", "a.yaml");
        Assert.Equal((null, null, null, "/"), (declaration.Name, declaration.Ip, declaration.Hostname, declaration.Root));
        Assert.Equal("main", Assert.Single(declaration.Processes).Name);
        Assert.Equal(["sleep", "100"], declaration.Processes[0].Command);
    }

    [Fact]
    public void The_annotated_example_is_a_valid_declaration()
    {
        var declaration = ApplicationFile.Read(Path.Combine(RepositoryOf(), "config", "application.yaml"));
        Assert.Equal(["cache", "worker"], declaration.Processes.Select(p => p.Name));

        // Where the tests run from is no help: a build may leave its output anywhere.
        static string RepositoryOf([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../.."));
    }

    [Fact]
    public void All_problems_are_told_at_once_with_line_and_column()
    {
        AssertProblems(
            """
            nmae: shop
            ip: 10.117.0
            hostname: Shop_1
            root: srv
            limits:
              memory: 512MB
              cpus: [1]
              disk: 5G
            processes:
              - comand: redis-server
                env: [A=1]
              - name: web
                command: {a: b}
                user: {}
              - name: web
                command: a | b
                env: {A=: 1, B: , B: 2, C: [1]}
                workdir: srv
              - sleep 100
            """,
            "a.yaml:1:1: unknown key 'nmae'; did you mean 'name'?",
            "a.yaml:2:5: ip '10.117.0' is not valid: use an IPv4 address such as 10.117.0.5",
            "a.yaml:3:11: hostname 'Shop_1' is not valid: use 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end",
            "a.yaml:4:7: root 'srv' is not valid: use an absolute path",
            "a.yaml:6:11: limits.memory '512MB' is not valid: use bytes or a multiple such as 512M, 1.5G or 64KiB (powers of 1024), at least 1M",
            "a.yaml:7:9: limits.cpus must be a text; found a list",
            "a.yaml:8:3: unknown key 'disk' in limits; use memory, cpus",
            "a.yaml:10:5: unknown key 'comand' in processes[0]; did you mean 'command'?",
            "a.yaml:10:5: missing key 'command' in processes[0]; give the program and its arguments",
            "a.yaml:10:5: missing key 'name' in processes[0]; each of several processes needs one",
            "a.yaml:11:10: processes[0].env must be a mapping of names to values; found a list",
            "a.yaml:13:14: processes[1].command must be a list of texts, or one text; found a mapping",
            "a.yaml:14:11: processes[1].user must be a text; found a mapping",
            "a.yaml:15:11: processes[2].name 'web' is also the name of processes[1]",
            "a.yaml:16:14: processes[2].command cannot be split into words: '|' would need a shell: quote it, or run [sh, -c, ...]",
            "a.yaml:17:11: processes[2].env: 'A=' is no name of a variable",
            "a.yaml:17:21: processes[2].env.B must be a text; found nothing",
            "a.yaml:17:32: processes[2].env.C must be a text; found a list",
            "a.yaml:18:14: processes[2].workdir 'srv' is not valid: use an absolute path",
            "a.yaml:19:5: processes[3] must be a mapping of name, command, env, user, workdir, after, restart, ready, stop-signal, grace; found 'sleep 100'");
    }

    [Theory]
    [InlineData("", "a.yaml:1:1: the file is empty; a declaration needs at least the key 'processes'")]
    [InlineData("# nothing\n", "a.yaml:1:1: the file is empty; a declaration needs at least the key 'processes'")]
    [InlineData("~", "a.yaml:1:1: the file is empty; a declaration needs at least the key 'processes'")]
    [InlineData("[a]", "a.yaml:1:1: a declaration must be a mapping of name, ip, ip6, hostname, root, node, checkpoint, limits, rules, properties, processes; found a list")]
    [InlineData("name: a", "a.yaml:1:1: missing key 'processes'; list at least one process with its command")]
    [InlineData("processes: []", "a.yaml:1:12: processes is empty; list at least one process with its command")]
    [InlineData("processes: redis", "a.yaml:1:12: processes must be a list; found 'redis'")]
    [InlineData("processes: [{command: }]", "a.yaml:1:23: processes[0].command must be a list of texts, or one text; found nothing")]
    [InlineData("processes: [{command: []}]", "a.yaml:1:23: processes[0].command is empty; give the program and its arguments")]
    [InlineData("processes: [{command: [[a]]}]", "a.yaml:1:24: processes[0].command must be a list of texts; found a list")]
    [InlineData("processes: [{command: a}]\nname: a\nname: b", "a.yaml:3:1: key 'name' is given twice (first on line 2)")]
    [InlineData("processes: [{command: a}]\n---\nname: b", "a.yaml:2:1: a second document begins here; a declaration is one")]
    [InlineData("processes: [{command: &x a}]", "a.yaml:1:23: anchors (&) are not supported; leave it out")]
    [InlineData("processes: [{command: !!str a}]", "a.yaml:1:23: tags (!) are not supported; leave it out")]
    [InlineData("processes: [{command: a}]\n[a, b]: c", "a.yaml:2:1: a key must be a single word")]
    [InlineData("processes: [{command: \"a\\0b\"}]", "a.yaml:1:23: processes[0].command holds a null character")]
    [InlineData("processes: [{command: a}]\n\"ev\\eil\": c", "a.yaml:2:1: unknown key 'ev\\u001bil'; use name, ip, ip6, hostname, root, node, checkpoint, limits, rules, properties, processes")]
    [InlineData("limits: {memory: 1K}\nprocesses: [{command: a}]", "a.yaml:1:18: limits.memory '1K' is not valid: use bytes or a multiple such as 512M, 1.5G or 64KiB (powers of 1024), at least 1M")]
    public void Each_problem_has_its_place(string text, string problem) => AssertProblems(text, problem);

    [Theory]
    [InlineData("a: b: c", 1)]
    [InlineData("name: [a\nip: b", 1)]
    [InlineData("a:\n\t- b", 2)]
    [InlineData("name: \"open", 1)]
    public void What_is_no_yaml_is_told_with_its_line(string text, int line)
    {
        var problem = Assert.Throws<VniException>(() => ApplicationFile.Parse(text, "a.yaml")).Message.Split('\n')[1];
        Assert.StartsWith($"a.yaml:{line}:", problem);
        Assert.Contains("this is not YAML: ", problem);
    }

    [Fact]
    public void Deep_nesting_and_aliases_cannot_exhaust_anything()
    {
        Assert.Throws<VniException>(() => ApplicationFile.Parse(new string('[', 10_000), "a.yaml"));
        Assert.Throws<VniException>(() => ApplicationFile.Parse(string.Concat(Enumerable.Repeat("{a: ", 5_000)) + new string('}', 5_000), "a.yaml"));
        Assert.Throws<VniException>(() => ApplicationFile.Parse("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]", "a.yaml"));
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_told_with_its_name()
    {
        Assert.Equal(
            "declaration '/nonexistent/a.yaml' cannot be read: no such file",
            Assert.Throws<VniException>(() => ApplicationFile.Read("/nonexistent/a.yaml")).Message);
        Assert.Contains("it is a directory", Assert.Throws<VniException>(() => ApplicationFile.Read("/")).Message);
        Assert.Contains("it is larger than 1 MiB", Assert.Throws<VniException>(() => ApplicationFile.Read("/dev/zero")).Message);
    }

    private static void AssertProblems(string text, params string[] problems)
    {
        var refused = Assert.Throws<VniException>(() => ApplicationFile.Parse(text, "a.yaml"));
        Assert.Equal(ErrorCodes.InvalidArgument, refused.Code);
        Assert.Equal(problems, refused.Message.Split('\n').Skip(1));
    }
}
