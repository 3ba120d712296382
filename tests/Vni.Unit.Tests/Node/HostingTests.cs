using System.Net.Sockets;
using System.Text;
using Vni.Actors;
using Vni.Node.Configuration;
using Vni.Node.Hosting;
using Xunit;

namespace Vni.Unit.Tests.Node;

public sealed class HostingTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vnid-host-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void The_socket_is_for_root_and_its_group_alone()
    {
        using var socket = UnixListener.Open(At("s.sock"), group: null);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
            File.GetUnixFileMode(At("s.sock")));
        Assert.Equal("s.sock", Assert.Single(_directory.GetFiles()).Name);
    }

    [Fact]
    public void A_socket_of_a_dead_daemon_is_replaced()
    {
        UnixListener.Open(At("s.sock"), group: null).Dispose();
        Assert.True(File.Exists(At("s.sock")));
        UnixListener.RefuseIfTaken(At("s.sock"));
        using var socket = UnixListener.Open(At("s.sock"), group: null);
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(At("s.sock")));
    }

    [Fact]
    public void A_socket_that_is_answered_is_left_alone()
    {
        using var socket = UnixListener.Open(At("s.sock"), group: null);
        var refused = Assert.Throws<VniException>(() => UnixListener.RefuseIfTaken(At("s.sock")));
        Assert.Equal(ErrorCodes.Conflict, refused.Code);
        Assert.Contains("another vnid answers at", refused.Message);
    }

    [Fact]
    public void A_file_in_the_place_of_the_socket_is_left_alone()
    {
        File.WriteAllText(At("s.sock"), "precious");
        Assert.Equal(ErrorCodes.InvalidArgument, Assert.Throws<VniException>(() => UnixListener.RefuseIfTaken(At("s.sock"))).Code);
        Directory.CreateDirectory(At("d.sock"));
        Assert.Equal(ErrorCodes.InvalidArgument, Assert.Throws<VniException>(() => UnixListener.RefuseIfTaken(At("d.sock"))).Code);
    }

    [Fact]
    public void A_lock_has_one_holder()
    {
        using (LockFile.Take(At("lock"), "held"))
        {
            var refused = Assert.Throws<VniException>(() => LockFile.Take(At("lock"), "held by another"));
            Assert.Equal((ErrorCodes.Conflict, "held by another"), (refused.Code, refused.Message));
        }

        Assert.False(File.Exists(At("lock")));
        LockFile.Take(At("lock"), "free again").Dispose();
    }

    [Fact]
    public async Task A_lock_never_has_two_holders_although_its_file_comes_and_goes()
    {
        var (holders, taken) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 8_000; i++)
            {
                try
                {
                    using var held = LockFile.Take(At("lock"), "held");
                    Assert.Equal(1, Interlocked.Increment(ref holders));
                    Interlocked.Increment(ref taken);
                    Thread.SpinWait(200);
                    Interlocked.Decrement(ref holders);
                }
                catch (VniException)
                {
                    // Somebody else holds it.
                }
            }
        })));
        Assert.True(taken > 0);
    }

    [Fact]
    public void What_somebody_left_where_the_cache_goes_is_never_used()
    {
        var elsewhere = _directory.CreateSubdirectory("elsewhere");
        File.WriteAllText(Path.Combine(elsewhere.FullName, "theirs"), "");
        File.CreateSymbolicLink(At("vniakka-n1"), elsewhere.FullName);
        using (var cache = CriuCache.Open(_directory.FullName, "n1", _directory.FullName))
        {
            Assert.Equal(At("vniakka-n1"), cache.Path);
            Assert.Null(new DirectoryInfo(cache.Path).LinkTarget);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(cache.Path));
            File.WriteAllText(Path.Combine(cache.Path, "criu.kdat"), "");
        }

        Assert.False(Directory.Exists(At("vniakka-n1")));
        Assert.True(File.Exists(Path.Combine(elsewhere.FullName, "theirs")));
    }

    [Fact]
    public void A_group_is_found_by_name()
    {
        File.WriteAllText(At("group"), "root:x:0:\nvni:x:997:alice,bob\nvnix:x:998:\n");
        Assert.Equal(997u, Groups.Find("vni", At("group")));
        Assert.Null(Groups.Find("vn", At("group")));
        Assert.Null(Groups.Find("vni", At("none")));
    }

    [Fact]
    public void Criu_of_the_search_path_is_used_if_it_is_recent()
    {
        Script("old/criu", "echo 'Version: 3.17.1'; echo 'GitID: x'");
        Script("new/criu", "echo 'Version: 4.2.1'");
        Assert.Equal(ToolPaths.PrivateCriu, ToolPaths.Criu(new NodeOptions(), $"/nowhere:{At("old")}"));
        Assert.Equal(At("new/criu"), ToolPaths.Criu(new NodeOptions(), At("new")));
        Assert.Equal(ToolPaths.PrivateCriu, ToolPaths.Criu(new NodeOptions(), null));
        Assert.Equal("/opt/criu", ToolPaths.Criu(new NodeOptions { Criu = "/opt/criu" }, At("new")));
    }

    [Fact]
    public void The_harness_is_beside_the_daemon_or_in_its_library()
    {
        Directory.CreateDirectory(At("bin"));
        Assert.Equal(At("lib/vniakka/appshot"), ToolPaths.Harness(new NodeOptions(), At("bin")));
        File.WriteAllText(At("bin/appshot"), "");
        Assert.Equal(At("bin/appshot"), ToolPaths.Harness(new NodeOptions(), At("bin")));
        Assert.Equal("/opt/appshot", ToolPaths.Harness(new NodeOptions { Harness = "/opt/appshot" }, At("bin")));
    }

    [Fact]
    public void The_daemons_own_things_are_hidden_from_instances_wherever_they_are()
    {
        using var cache = CriuCache.Open(_directory.FullName, "n1", _directory.FullName);
        var options = new NodeOptions
        {
            State = "/srv/state", Runtime = "/srv/run", Socket = "/srv/s.sock", Masks = new MaskOptions { Add = ["/srv/x"], Remove = ["/mnt"] },
        };
        var masks = ProductSettings.ForInterposer(options, cache, "/bin", null).Masks;
        Assert.Superset(new HashSet<string> { "/srv/state", "/srv/run", "/srv/s.sock", "/srv/x", "/root", "/etc/shadow" }, masks.ToHashSet());
        Assert.DoesNotContain("/mnt", masks);
    }

    private string At(string name) => Path.Combine(_directory.FullName, name);

    private void Script(string name, string body)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), $"#!/bin/sh\n{body}\n", new UTF8Encoding(false));
        File.SetUnixFileMode(At(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
