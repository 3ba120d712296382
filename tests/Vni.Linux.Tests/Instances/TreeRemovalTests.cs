using System.Runtime.InteropServices;
using Vni.Interposer.Linux;
using Xunit;

namespace Vni.Linux.Tests.Instances;

public sealed class TreeRemovalTests : IDisposable
{
    private readonly string _scratch = Directory.CreateTempSubdirectory("vni-tree-").FullName;

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    [Fact]
    public void Links_are_removed_and_never_followed()
    {
        var kept = Directory.CreateDirectory(Path.Combine(_scratch, "kept")).FullName;
        File.WriteAllText(Path.Combine(kept, "file"), "");
        var tree = Directory.CreateDirectory(Path.Combine(_scratch, "tree", "sub")).Parent!.FullName;
        File.CreateSymbolicLink(Path.Combine(tree, "directory"), kept);
        File.CreateSymbolicLink(Path.Combine(tree, "sub", "file"), Path.Combine(kept, "file"));
        TreeRemoval.Remove(tree);
        Assert.False(Directory.Exists(tree));
        Assert.True(File.Exists(Path.Combine(kept, "file")));
        TreeRemoval.Remove(tree);
    }

    [Fact]
    public void A_link_in_the_place_of_the_tree_is_removed_itself()
    {
        var kept = Directory.CreateDirectory(Path.Combine(_scratch, "kept", "sub")).Parent!.FullName;
        var link = Path.Combine(_scratch, "link");
        File.CreateSymbolicLink(link, kept);
        TreeRemoval.Remove(link);
        Assert.False(Path.Exists(link));
        Assert.True(Directory.Exists(Path.Combine(kept, "sub")));
    }

    [Fact]
    public void Directories_without_permissions_and_names_that_are_not_text_are_removed()
    {
        var tree = Path.Combine(_scratch, "tree");
        Directory.CreateDirectory(Path.Combine(tree, "work", "work"));
        File.SetUnixFileMode(Path.Combine(tree, "work", "work"), UnixFileMode.None);
        Assert.Equal(0, MakeDirectory([.. System.Text.Encoding.UTF8.GetBytes(tree), (byte)'/', 0xff, 0xfe, 0], 0x1ff));
        TreeRemoval.Remove(tree);
        Assert.False(Directory.Exists(tree));
    }

    [Fact]
    public void A_tree_deeper_than_any_path_can_name_is_removed()
    {
        var tree = Directory.CreateDirectory(Path.Combine(_scratch, "tree")).FullName;
        // 3,000 levels of 200 bytes: far beyond PATH_MAX, made the way an application would.
        using var maker = System.Diagnostics.Process.Start("/usr/bin/python3", ["-c", "import os,sys\nos.chdir(sys.argv[1])\nfor i in range(3000):\n  os.mkdir('d'*200); open('f','w').close(); os.chdir('d'*200)", tree]);
        maker.WaitForExit();
        Assert.Equal(0, maker.ExitCode);
        TreeRemoval.Remove(tree);
        Assert.False(Directory.Exists(tree));
    }

    [Fact]
    public void Reading_beneath_a_layer_follows_no_link_and_opens_only_regular_files()
    {
        var layer = Directory.CreateDirectory(Path.Combine(_scratch, "upper", ".vni")).Parent!.FullName;
        File.WriteAllText(Path.Combine(layer, ".vni", "exits"), "main exit 0\n");
        File.CreateSymbolicLink(Path.Combine(layer, ".vni", "secret"), "/etc/shadow");
        File.CreateSymbolicLink(Path.Combine(layer, "etc"), "/etc");
        using (var fifo = System.Diagnostics.Process.Start("mkfifo", [Path.Combine(layer, ".vni", "fifo")])) fifo.WaitForExit();
        using var directory = new RootedDirectory(layer);
        Assert.Equal("main exit 0\n", directory.TryReadText(".vni/exits"));
        Assert.Equal("main", directory.TryReadText(".vni/exits", limit: 4));
        Assert.Null(directory.TryReadText(".vni/secret"));
        Assert.Null(directory.TryReadText("etc/passwd"));
        Assert.Null(directory.TryReadText("../../../../../../etc/passwd"));
        Assert.Null(directory.TryReadText("/etc/passwd"));
        Assert.Null(directory.TryReadText(".vni/fifo"));
        Assert.Null(directory.TryReadText(".vni"));
        Assert.Null(directory.TryReadText("none/at/all"));
        Assert.True(directory.Exists("etc"));
        Assert.False(directory.Exists("etc/passwd"));
    }

    [DllImport("libc", EntryPoint = "mkdir")]
    private static extern int MakeDirectory(byte[] path, uint mode);
}
