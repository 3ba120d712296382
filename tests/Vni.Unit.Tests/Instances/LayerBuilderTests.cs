using System.Net;
using Vni.Actors;
using Vni.Actors.Applications;
using Vni.Actors.Identity;
using Vni.Actors.Interposition;
using Vni.Interposer;
using Vni.Interposer.Instances;
using Xunit;

namespace Vni.Unit.Tests.Instances;

public sealed class LayerBuilderTests : IDisposable
{
    private readonly string _scratch = Directory.CreateTempSubdirectory("vni-layer-").FullName;
    private readonly List<string> _written = [];
    private readonly InterposerOptions _options;
    private int _failAt = int.MaxValue;

    public LayerBuilderTests() => _options = new InterposerOptions
    {
        Node = "n1",
        StateDirectory = Directory.CreateDirectory(Path.Combine(_scratch, "state")).FullName,
        RuntimeDirectory = Directory.CreateDirectory(Path.Combine(_scratch, "run")).FullName,
        HarnessPath = "/usr/bin/appshot",
        CriuPath = "/usr/sbin/criu",
        Network = new NetworkOptions { Subnet = IPAddress.Parse("10.117.0.0"), PrefixLength = 16 },
    };

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    [Fact]
    public void Our_own_directories_are_masked_always()
    {
        Build("/");
        Assert.Contains($"hide {_options.StateDirectory[1..]}", _written);
        Assert.Contains($"hide {_options.RuntimeDirectory[1..]}", _written);
    }

    [Fact]
    public void Another_root_keeps_its_files_but_not_our_directories_in_it()
    {
        var shadow = Directory.CreateDirectory(Path.Combine(_scratch, "etc")).FullName + "/shadow";
        File.WriteAllText(shadow, "");
        Build(_scratch);
        Assert.Contains("hide state", _written);
        Assert.DoesNotContain("whiteout etc/shadow", _written);
    }

    [Fact]
    public void A_layer_that_fails_half_way_is_removed()
    {
        _failAt = 5;
        Assert.Throws<IOException>(() => Build("/"));
        Assert.False(Directory.Exists(Paths.Directory));
    }

    [Fact]
    public void A_used_layer_is_kept()
    {
        Build("/");
        File.WriteAllText(Path.Combine(Paths.Upper, "mark"), "");
        _written.Clear();
        Build("/");
        Assert.True(File.Exists(Path.Combine(Paths.Upper, "mark")));
        Assert.Equal(["Remove", "hide .vni", "CopyOf"], _written);
    }

    [Fact]
    public void Only_root_may_enter_an_instances_directory()
    {
        Build("/");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Paths.Directory));
    }

    [Theory]
    [InlineData("/no/such/root")]
    [InlineData("/etc/passwd")]
    [InlineData("relative")]
    public void A_root_that_is_no_directory_is_refused(string root) =>
        Assert.Equal(ErrorCodes.RootNotFound, Assert.Throws<VniException>(() => Build(root)).Code);

    [Fact]
    public void A_root_in_our_own_directories_is_refused_also_through_a_link()
    {
        var link = Path.Combine(_scratch, "link");
        File.CreateSymbolicLink(link, _options.StateDirectory);
        Assert.Equal(ErrorCodes.InvalidArgument, Assert.Throws<VniException>(() => Build(link)).Code);
    }

    private InstancePaths Paths => new(_options, Aid.Parse("web"));

    private void Build(string root) => new LayerBuilder(_options, _ => new Recorder(this)).Build(
        new InstanceSpec(Aid.Parse("web"), new VirtualIdentity("10.117.0.5", 16, "02:00:0a:75:00:05", "web"), new ApplicationDeclaration { Root = root }, 1), Paths);

    private sealed class Recorder(LayerBuilderTests test) : ILayerWriter
    {
        public void Apply(LayerStep step)
        {
            if (test._written.Count == test._failAt) throw new IOException("disk full");
            test._written.Add(step switch
            {
                LayerStep.MakeDirectory { Opaque: true } d => $"hide {d.Path}",
                LayerStep.Whiteout w => $"whiteout {w.Path}",
                _ => step.GetType().Name,
            });
        }

        public void Dispose()
        {
        }
    }
}
