using System.Net;
using Vni.Actors.Identity;
using Vni.Interposer;
using Vni.Interposer.Instances;
using Xunit;

namespace Vni.Unit.Tests.Instances;

public sealed class LayerPlanTests
{
    private static readonly VirtualIdentity Identity = new("10.117.0.5", 16, "02:00:0a:75:00:05", "web-1");
    private readonly FakeLowerRoot _lower = new();

    [Fact]
    public void A_masked_directory_becomes_an_empty_one_with_its_own_mode_and_owner()
    {
        _lower.Directory("/root", 0x1c0);
        _lower.Directory("/home/shared", 0x1f8, 7, 8);
        var steps = Plan("/root", "/home/shared");
        Assert.Contains(new LayerStep.MakeDirectory("root", 0x1c0, 0, 0, Opaque: true), steps);
        Assert.Contains(new LayerStep.MakeDirectory("home/shared", 0x1f8, 7, 8, Opaque: true), steps);
    }

    [Fact]
    public void A_masked_file_becomes_a_whiteout_below_parents_like_the_lower_ones()
    {
        _lower.Directory("/etc", 0x1e8, 0, 42);
        _lower.File("/etc/shadow");
        var steps = Plan("/etc/shadow");
        Assert.Contains(new LayerStep.MakeDirectory("etc", 0x1e8, 0, 42, Opaque: false), steps);
        Assert.Contains(new LayerStep.Whiteout("etc/shadow"), steps);
        AssertOrder(steps, "etc", "etc/shadow");
    }

    [Fact]
    public void A_wildcard_masks_what_matches_and_nothing_else()
    {
        _lower.File("/etc/ssh/ssh_host_rsa_key");
        _lower.File("/etc/ssh/ssh_host_rsa_key.pub");
        _lower.File("/etc/ssh/ssh_config");
        Assert.Equal(
            ["etc/ssh/ssh_host_rsa_key", "etc/ssh/ssh_host_rsa_key.pub"],
            Plan("/etc/ssh/ssh_host_*").OfType<LayerStep.Whiteout>().Select(w => w.Path));
    }

    [Fact]
    public void A_mask_that_names_a_link_hides_what_it_leads_to()
    {
        _lower.Directory("/data/home");
        _lower.Link("/home", "/data/home");
        Assert.Contains(new LayerStep.MakeDirectory("data/home", 0x1ed, 0, 0, Opaque: true), Plan("/home"));
    }

    [Fact]
    public void A_masked_file_that_does_not_exist_yet_is_hidden_in_advance_unless_its_directory_is_missing_too()
    {
        _lower.Directory("/etc");
        Assert.Equal(["etc/shadow"], Plan("/etc/shadow", "/nowhere/at/all").OfType<LayerStep.Whiteout>().Select(w => w.Path));
    }

    [Fact]
    public void What_lies_in_a_masked_directory_is_not_made_again()
    {
        _lower.Directory("/run");
        _lower.Directory("/run/vni");
        var steps = Plan("/run", "/run/vni");
        Assert.DoesNotContain(steps, s => PathOf(s) == "run/vni");
        Assert.Single(steps, s => PathOf(s) == "run");
    }

    [Fact]
    public void Runtime_directory_is_empty_but_for_lock_also_when_it_is_not_masked()
    {
        _lower.Directory("/run", 0x1ed);
        var steps = Plan();
        Assert.Contains(new LayerStep.MakeDirectory("run", 0x1ed, 0, 0, Opaque: true), steps);
        Assert.Contains(new LayerStep.MakeDirectory("run/lock", 0x3ff, 0, 0, Opaque: false), steps);
    }

    [Fact]
    public void Runtime_directories_of_daemons_are_kept_with_owner_and_mode_and_without_content()
    {
        _lower.Directory("/run/postgresql", 0x5fd, 100, 101);
        _lower.File("/run/postgresql/pid");
        var steps = Plan("/run");
        Assert.Contains(new LayerStep.MakeDirectory("run/postgresql", 0x5fd, 100, 101, Opaque: false), steps);
        Assert.DoesNotContain(steps, s => PathOf(s) == "run/postgresql/pid");
    }

    [Fact]
    public void Devices_replace_those_of_the_lower_layer()
    {
        var steps = Plan();
        Assert.Contains(new LayerStep.MakeDirectory("dev", 0x1ed, 0, 0, Opaque: true), steps);
        Assert.Equal(["null", "zero", "full", "random", "urandom", "tty"], steps.OfType<LayerStep.Device>().Select(d => d.Path[4..]));
        Assert.Equal(["fd", "stdin", "stdout", "stderr", "ptmx"], steps.OfType<LayerStep.Link>().Select(l => l.Path[4..]));
        Assert.Contains(new LayerStep.MakeDirectory("dev/shm", 0x3ff, 0, 0, Opaque: false), steps);
    }

    [Fact]
    public void Mount_points_are_made_where_the_lower_layer_has_none()
    {
        Assert.Equal(2, Plan().Count(s => PathOf(s) is "proc" or "sys"));
        _lower.Directory("/proc");
        Assert.DoesNotContain(Plan(), s => PathOf(s) == "proc");
    }

    [Fact]
    public void Names_are_the_instances_own()
    {
        var texts = Plan().OfType<LayerStep.Text>().ToDictionary(t => t.Path, t => t.Content);
        Assert.Equal("web-1\n", texts["etc/hostname"]);
        Assert.Equal("127.0.0.1 localhost\n10.117.0.5 web-1.lab.example web-1\n", texts["etc/hosts"]);
        Assert.Equal("nameserver 10.117.0.1\nsearch lab.example example\n", texts["etc/resolv.conf"]);
    }

    [Fact]
    public void The_hostname_leads_to_both_addresses()
    {
        var plan = LayerPlan.ForNew(new LayerRequest(Identity with { Ip6 = "fd00:117::5", PrefixLength6 = 64 }, "/usr/bin/appshot", [], Names, null), _lower);
        Assert.Equal(
            "127.0.0.1 localhost\n10.117.0.5 web-1.lab.example web-1\n::1 localhost\nfd00:117::5 web-1.lab.example web-1\n",
            plan.OfType<LayerStep.Text>().Single(t => t.Path == "etc/hosts").Content);
    }

    [Fact]
    public void Every_parent_is_made_once_and_before_what_is_in_it()
    {
        foreach (var directory in new[] { "/etc", "/etc/ssh", "/var", "/var/log", "/root", "/run", "/dev" }) _lower.Directory(directory);
        _lower.File("/etc/ssh/ssh_host_key");
        var steps = Plan("/root", "/etc/ssh/ssh_host_*", "/run", "/var/lib/vniakka", "/etc/fstab");
        var seen = new HashSet<string> { "." };
        foreach (var path in steps.Select(PathOf))
        {
            Assert.True(path == "." || seen.Contains(Path.GetDirectoryName(path) is { Length: > 0 } parent ? parent : "."), path);
            Assert.True(path == "." || seen.Add(path), "made twice: " + path);
        }
    }

    [Fact]
    public void A_used_layer_gets_its_harness_anew_and_nothing_else() =>
        Assert.Equal([".vni", ".vni", ".vni/appshot"], LayerPlan.ForUsed("/usr/bin/appshot").Select(PathOf));

    private static InstanceNames Names { get; } = new() { Domain = "lab.example", Servers = [IPAddress.Parse("10.117.0.1")] };

    private IReadOnlyList<LayerStep> Plan(params string[] masks) =>
        LayerPlan.ForNew(new LayerRequest(Identity, "/usr/bin/appshot", masks, Names, "nameserver 127.0.0.53\nsearch example\n"), _lower);

    private static void AssertOrder(IReadOnlyList<LayerStep> steps, string first, string second)
    {
        var paths = steps.Select(PathOf).ToList();
        Assert.True(paths.IndexOf(first) < paths.IndexOf(second));
    }

    private static string PathOf(LayerStep step) => step switch
    {
        LayerStep.MakeDirectory s => s.Path,
        LayerStep.Device s => s.Path,
        LayerStep.Whiteout s => s.Path,
        LayerStep.Link s => s.Path,
        LayerStep.Text s => s.Path,
        LayerStep.CopyOf s => s.Path,
        LayerStep.Remove s => s.Path,
        _ => throw new ArgumentOutOfRangeException(nameof(step)),
    };

    private sealed class FakeLowerRoot : ILowerRoot
    {
        private readonly Dictionary<string, LowerEntry> _entries = new() { ["/"] = new LowerEntry(true, 0x1ed, 0, 0) };
        private readonly Dictionary<string, string> _links = [];

        public void Directory(string path, int mode = 0x1ed, int uid = 0, int gid = 0)
        {
            if (Path.GetDirectoryName(path) is { } parent && !_entries.ContainsKey(parent)) Directory(parent);
            _entries[path] = new LowerEntry(true, mode, uid, gid);
        }

        public void File(string path)
        {
            if (Path.GetDirectoryName(path) is { } parent && !_entries.ContainsKey(parent)) Directory(parent);
            _entries[path] = new LowerEntry(false, 0x1a4, 0, 0);
        }

        public void Link(string path, string target) => _links[path] = target;

        public LowerEntry? Find(string path) => _links.ContainsKey(path) ? new LowerEntry(false, 0x1ff, 0, 0) : _entries.GetValueOrDefault(path);

        public string? Resolve(string path) => _links.TryGetValue(path, out var target) ? target : _entries.ContainsKey(path) ? path : null;

        public string OnNode(string path) => path;

        public IReadOnlyList<string> Names(string directory) =>
            [.. _entries.Keys.Where(k => k != "/" && Path.GetDirectoryName(k) == directory).Select(k => Path.GetFileName(k))];
    }
}
