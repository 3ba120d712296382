using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Rules;
using Vni.Interposer;
using Vni.Interposer.Instances;
using Xunit;

namespace Vni.Unit.Tests.Instances;

public sealed class RedirectionPlanTests
{
    private readonly Lower _lower = new();

    public RedirectionPlanTests()
    {
        _lower.Directory("/run", 0x1ed);
        _lower.Link("/var/run", "/run");
        _lower.Directory("/usr", 0x1ed);
    }

    [Fact]
    public void A_directory_is_seen_at_the_target_with_owner_and_mode_and_nothing_of_it_is_copied()
    {
        _lower.Directory("/user/app/config", 0x1f8, 5, 6);
        _lower.File("/user/app/config/a.conf");
        Assert.Equal(
            [
                new LayerStep.MakeDirectory("usr", 0x1ed, 0, 0, false),
                new LayerStep.MakeDirectory("usr/app", 0x1ed, 0, 0, false),
                new LayerStep.MakeDirectory("usr/app/web", 0x1ed, 0, 0, false),
                new LayerStep.MakeDirectory("usr/app/web/config", 0x1f8, 5, 6, false, "/user/app/config"),
                new LayerStep.MakeDirectory("user", 0x1ed, 0, 0, false),
                new LayerStep.MakeDirectory("user/app", 0x1ed, 0, 0, false),
                new LayerStep.Link("user/app/config", "/usr/app/web/config"),
            ],
            Plan([], ("/user/app/config", "/usr/app/web/config")));
    }

    [Fact]
    public void A_file_is_copied_with_owner_and_mode()
    {
        _lower.File("/etc/app.conf", 0x1a0, 7, 8);
        var steps = Plan([], ("/etc/app.conf", "/usr/web/app.conf"));
        Assert.Contains(new LayerStep.CopyOf("usr/web/app.conf", "/node/etc/app.conf", 0x1a0, 7, 8), steps);
        Assert.Equal(new LayerStep.Link("etc/app.conf", "/usr/web/app.conf"), steps[^1]);
    }

    [Fact]
    public void Where_nothing_is_the_link_leads_to_where_the_application_can_make_it()
    {
        _lower.Directory("/run/postgresql", 0x5fd, 100, 101);
        var steps = Plan(["/run"], ("/var/run/postgresql/x.pid", "/usr/web/run/x.pid"));
        Assert.Contains(new LayerStep.MakeDirectory("usr/web", 0x1ed, 0, 0, false), steps);
        Assert.Contains(new LayerStep.MakeDirectory("usr/web/run", 0x5fd, 100, 101, false), steps); // As the directory that it would be made in.
        Assert.Equal(new LayerStep.Link("run/postgresql/x.pid", "/usr/web/run/x.pid"), steps[^1]);
        Assert.DoesNotContain(steps, s => s is LayerStep.CopyOf or LayerStep.MakeDirectory { Path: "usr/web/run/x.pid" });
    }

    [Fact]
    public void A_slash_at_the_end_makes_a_directory_where_nothing_is()
    {
        _lower.Directory("/srv", 0x1c0, 3, 4);
        Assert.Contains(new LayerStep.MakeDirectory("usr/web/spool", 0x1ed, 3, 4, false), Plan([], ("/srv/spool/", "/usr/web/spool")));
    }

    [Fact]
    public void A_target_that_is_there_already_stays_as_it_is()
    {
        _lower.Directory("/user/config");
        _lower.File("/usr/web/config");
        Assert.Equal("user/config", Assert.Single(Plan([], ("/user/config", "/usr/web/config")).OfType<LayerStep.Link>()).Path);
        Assert.DoesNotContain(Plan([], ("/user/config", "/usr/web/config")), s => s is LayerStep.MakeDirectory { Path: "usr/web/config" });
    }

    [Fact]
    public void What_is_masked_in_a_directory_is_masked_at_its_target()
    {
        _lower.Directory("/opt/app/keys", 0x1c0);
        _lower.File("/opt/app/password");
        var steps = Plan(["/opt/app/keys", "/opt/app/password", "/opt/app/later"], ("/opt/app", "/usr/web/app"));
        Assert.Contains(new LayerStep.MakeDirectory("usr/web/app", 0x1ed, 0, 0, false, "/opt/app"), steps);
        Assert.Contains(new LayerStep.MakeDirectory("usr/web/app/keys", 0x1c0, 0, 0, true), steps);
        Assert.Contains(new LayerStep.Whiteout("usr/web/app/password"), steps);
        Assert.Contains(new LayerStep.Whiteout("usr/web/app/later"), steps);
        Assert.Equal([new LayerStep.Remove("opt/app"), new LayerStep.Link("opt/app", "/usr/web/app")], steps.TakeLast(2));
    }

    [Fact]
    public void What_is_masked_itself_appears_empty_or_not_at_all()
    {
        _lower.Directory("/home", 0x1c9, 1, 2);
        _lower.File("/home/me/secret");
        _lower.File("/etc/shadow");
        var steps = Plan(["/home", "/etc/shadow"], ("/home", "/usr/web/home"), ("/etc/shadow", "/usr/web/etc/shadow"));
        Assert.Contains(new LayerStep.MakeDirectory("usr/web/home", 0x1c9, 1, 2, false), steps);
        Assert.DoesNotContain(steps, s => s is LayerStep.CopyOf or LayerStep.MakeDirectory { Redirect: not null });
        Assert.Contains(new LayerStep.Remove("etc/shadow"), steps);
        steps = Plan(["/home"], ("/home/me", "/usr/web/me"));
        Assert.DoesNotContain(steps, s => s is LayerStep.MakeDirectory { Path: "usr/web/me" });
    }

    [Fact]
    public void A_target_below_a_mask_shows_nothing_of_what_the_mask_hides()
    {
        _lower.File("/etc/secret/old");
        _lower.Directory("/user/config");
        var steps = Plan(["/etc/secret", "/srv/none"], ("/user/config", "/etc/secret/web"));
        Assert.Contains(new LayerStep.MakeDirectory("etc/secret/web", 0x1ed, 0, 0, false, "/user/config"), steps);
        _lower.Directory("/srv");
        steps = Plan(["/srv/none"], ("/user/config", "/srv/none/web"));
        Assert.Contains(new LayerStep.MakeDirectory("srv/none", 0x1ed, 0, 0, true), steps); // In place of the whiteout, and as opaque.
    }

    [Fact]
    public void A_link_at_the_path_gives_what_it_leads_to()
    {
        _lower.Directory("/data/v2", 0x1c0);
        _lower.Link("/user/config", "../data/v2");
        Assert.Contains(new LayerStep.MakeDirectory("usr/web", 0x1c0, 0, 0, false, "/data/v2"), Plan([], ("/user/config", "/usr/web")));
        _lower.Link("/user/nowhere", "/no/such");
        Assert.DoesNotContain(Plan([], ("/user/nowhere", "/usr/web")), s => s is LayerStep.MakeDirectory { Path: "usr/web" });
    }

    [Fact]
    public void What_is_mounted_at_the_path_is_not_seen_by_an_overlay_and_not_taken_along()
    {
        _lower.Directory("/mnt/disk", 0x1c0, elsewhere: true);
        _lower.Directory("/mnt/disk/inner", elsewhere: true);
        Assert.Contains(new LayerStep.MakeDirectory("usr/web", 0x1c0, 0, 0, false), Plan([], ("/mnt/disk", "/usr/web")));
        Assert.DoesNotContain(Plan([], ("/mnt/disk/inner", "/usr/web")), s => s is LayerStep.MakeDirectory { Path: "usr/web" });
    }

    [Theory]
    [InlineData("/etc/passwd/x", "/usr/web", "rules:1:1: '/etc/passwd', on the way of '/etc/passwd/x', is no directory; choose another path")]
    [InlineData("/loop/x", "/usr/web", "rules:1:1: '/loop/x' leads through more than 40 symbolic links; name what it leads to")]
    [InlineData("/mydev/x", "/usr/web", "rules:1:1: '/mydev/x' leads to '/dev/x', and there the path is reserved: '/dev' belongs to the instance's shell; choose another")]
    [InlineData("/a", "/mydev/x", "rules:1:1: '/mydev/x' leads to '/dev/x', and there the target is reserved: '/dev' belongs to the instance's shell; choose another")]
    [InlineData("/srv/socket", "/usr/web", "rules:1:1: '/srv/socket' is neither a directory nor a regular file; redirect the directory that it is in")]
    [InlineData("/srv/large", "/usr/web", "rules:1:1: '/srv/large' has 268435457 bytes, and files of more than 268435456 are not copied at a start; redirect the directory that it is in, which copies nothing")]
    [InlineData("/var/run/a", "/run/a/b", "rules:1:1: the target '/run/a/b' lies below the path that it stands for, so the link would lead to itself: choose one elsewhere")]
    public void What_the_files_do_not_allow_is_refused_with_its_rule(string path, string target, string problem)
    {
        _lower.File("/etc/passwd");
        _lower.Link("/loop", "loop");
        _lower.Link("/mydev", "/dev");
        _lower.Special("/srv/socket");
        _lower.File("/srv/large", size: (256L << 20) + 1);
        var e = Assert.Throws<VniException>(() => Plan([], (path, target)));
        Assert.Equal((ErrorCodes.InvalidArgument, "the rules cannot be applied to the application's files: " + problem), (e.Code, e.Message));
    }

    [Fact]
    public void No_layer_is_touched_by_rules_that_are_not_there() => Assert.Empty(Plan([]));

    /// <summary>The steps that come with the redirections.</summary>
    private List<LayerStep> Plan(string[] masks, params (string Path, string Target)[] redirections)
    {
        var request = new LayerRequest(new VirtualIdentity("10.117.0.5", 16, "02:00:0a:75:00:05", "web-1"), "/usr/bin/appshot", masks, new InstanceNames(), null);
        var all = LayerPlan.ForNew(
            request with { Redirections = [.. redirections.Select((r, i) => new Redirection(r.Path.TrimEnd('/'), r.Target, r.Path.EndsWith('/'), new RulePosition(i + 1, 1)))] }, _lower);
        return [.. all.Skip(LayerPlan.ForNew(request, _lower).Count)];
    }

    private sealed class Lower : ILowerRoot
    {
        private readonly Dictionary<string, LowerEntry> _entries = new() { ["/"] = new LowerEntry(true, 0x1ed, 0, 0) };

        public void Directory(string path, int mode = 0x1ed, int uid = 0, int gid = 0, bool elsewhere = false) => Add(path, new LowerEntry(true, mode, uid, gid) { IsElsewhere = elsewhere });

        public void File(string path, int mode = 0x1a4, int uid = 0, int gid = 0, long size = 10) => Add(path, new LowerEntry(false, mode, uid, gid) { IsFile = true, Size = size });

        public void Special(string path) => Add(path, new LowerEntry(false, 0x1a4, 0, 0));

        public void Link(string path, string target) => Add(path, new LowerEntry(false, 0x1ff, 0, 0) { Link = target });

        public LowerEntry? Find(string path) => _entries.GetValueOrDefault(path);

        public string? Resolve(string path) => _entries.ContainsKey(path) ? path : null;

        public string OnNode(string path) => "/node" + path;

        public IReadOnlyList<string> Names(string directory) =>
            [.. _entries.Keys.Where(k => k != "/" && Path.GetDirectoryName(k) == directory).Select(k => Path.GetFileName(k))];

        private void Add(string path, LowerEntry entry)
        {
            if (Path.GetDirectoryName(path) is { } parent && !_entries.ContainsKey(parent)) Directory(parent);
            _entries[path] = entry;
        }
    }
}
