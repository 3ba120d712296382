using System.IO.MemoryMappedFiles;
using Vni.Interposer.Linux;
using Vni.Interposer.Transfers;
using Vni.Linux.Tests.Checkpoint;
using Xunit;

namespace Vni.Linux.Tests.Transfers;

/// <summary>A layer in passes, with everything that overlayfs means something by. After each pass the target must be the source.</summary>
public sealed class LayerMoveTests : IDisposable
{
    private readonly string _scratch = Directory.CreateDirectory($"/var/tmp/vni-layer-{Guid.NewGuid():n}").FullName;

    public LayerMoveTests()
    {
        Sh("mkdir source target; cd source; mkdir -p a/b/c run opq; echo one > a/one; echo two > a/b/two; ln a/one a/hard; ln -s /etc/passwd a/link; mknod a/gone c 0 0; mkfifo a/pipe; "
            + "mknod -m 666 null c 1 3; python3 -c 'import os; os.setxattr(\"opq\", \"trusted.overlay.opaque\", b\"y\")'; python3 -c 'import os; os.setxattr(\"a/one\", \"user.note\", b\"hello\")'; truncate -s 100M a/sparse; printf x | dd of=a/sparse bs=1 seek=50M conv=notrunc status=none; "
            + "chown 1000:1001 a/b/two; chmod 4755 a/b/two; chmod 000 a/b/c; setfacl -m u:1000:rw a/one 2>/dev/null || true; touch -d '2001-02-03 04:05:06.789' a/b; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"a/socket\")'; "
            + "touch \"$(printf 'a/\\377\\n name')\"");
    }

    private string Source => Path.Combine(_scratch, "source");

    private string Target => Path.Combine(_scratch, "target");

    [Fact]
    public async Task A_layer_arrives_as_it_is_and_then_only_what_changed_is_sent()
    {
        var (ledger, _) = await PassAsync(0, LayerLedger.Nothing);
        AssertSame();

        ledger = await SettleAsync(ledger);
        var (again, bytes) = await PassAsync(2, ledger);
        Assert.True(bytes < 400, $"an unchanged layer took {bytes} bytes");
        AssertSame();

        // Changed, deleted, renamed, hard-linked, replaced by another kind, whiteout, opaque, attribute, mode alone.
        Sh("cd source; echo more >> a/one; rm a/b/two; mv a/b a/renamed; ln null null2; rm a/link; mkdir a/link; echo x > a/link/x; rm -r run; mknod run c 0 0; python3 -c 'import os; os.removexattr(\"opq\", \"trusted.overlay.opaque\")'; "
            + "python3 -c 'import os; os.setxattr(\"a\", \"trusted.overlay.opaque\", b\"y\")'; chmod 700 opq; mkdir -p new/deep/er; echo y > new/deep/er/file; ln a/sparse new/sparse; rm a/gone; ln -s x a/gone");
        var (_, changed) = await PassAsync(3, again);
        AssertSame();
        Assert.True(changed < 20_000, $"the changes took {changed} bytes");
    }

    [Fact]
    public async Task What_was_written_through_a_mapping_is_sent_although_no_time_tells()
    {
        using var mapped = MemoryMappedFile.CreateFromFile(Path.Combine(Source, "a/one"), FileMode.Open);
        using var memory = mapped.CreateViewAccessor();
        memory.Write(0, (byte)'A'); // The kernel notes this change, and no other until it has written the page to disk.
        var (ledger, _) = await PassAsync(0, LayerLedger.Nothing);
        ledger = await SettleAsync(ledger);
        memory.Write(0, (byte)'B');
        await PassAsync(2, ledger, ["a/one"]);
        AssertSame();
    }

    [Fact]
    public async Task A_layer_that_changes_all_the_time_is_complete_after_a_last_pass()
    {
        using var stop = new CancellationTokenSource();
        var changing = Task.Run(() =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                Directory.CreateDirectory(Path.Combine(Source, "x"));
                File.WriteAllText(Path.Combine(Source, "x", "f"), new string('x', i % 100_000));
                File.Move(Path.Combine(Source, "x", "f"), Path.Combine(Source, "a", "f" + (i % 10)), overwrite: true);
                Directory.Move(Path.Combine(Source, "x"), Path.Combine(Source, "y"));
                if (i % 3 == 0) File.CreateSymbolicLink(Path.Combine(Source, "x"), "/etc");
                if (i % 3 == 0) File.Delete(Path.Combine(Source, "x"));
                Directory.Delete(Path.Combine(Source, "y"), recursive: true);
            }
        });
        var ledger = LayerLedger.Nothing;
        try
        {
            for (var pass = 0; pass < 20; pass++) (ledger, _) = await PassAsync(pass, ledger, still: false);
        }
        finally
        {
            await stop.CancelAsync();
            await changing;
        }

        await PassAsync(20, ledger);
        AssertSame();
    }

    public void Dispose() => TreeRemoval.Remove(_scratch);

    /// <summary>A pass later than the grain of the kernel's clock, after which everything is trusted.</summary>
    private async Task<LayerLedger> SettleAsync(LayerLedger ledger)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(60), TimeProvider.System);
        return (await PassAsync(1, ledger)).Ledger;
    }

    private async Task<(LayerLedger Ledger, long Bytes)> PassAsync(int pass, LayerLedger former, HashSet<string>? mapped = null, bool still = true)
    {
        var stream = new MemoryStream();
        using var writer = new TransferWriter(stream);
        await writer.BeginAsync(default);
        var ledger = await new LayerSender(Source, writer, TimeProvider.System).SendAsync(pass, former, mapped ?? [], still, default);
        await writer.EndAsync(null, default);
        stream.Position = 0;
        using var receiver = new LayerReceiver(Target);
        using var reader = new TransferReader(Vni.Actors.Identity.Aid.Parse("web"), stream, long.MaxValue, new Sink(receiver));
        await reader.ReadAsync(default);
        return (ledger, writer.Bytes);
    }

    private void AssertSame() => Assert.Equal(Describe(Source), Describe(Target));

    /// <summary>Everything of a tree but inode numbers, one line each; sockets are not part of a layer.</summary>
    private static string Describe(string tree) => Programs.Run("python3", "-c", """
        import hashlib, os, stat, sys
        root = os.fsencode(sys.argv[1])
        inodes = {}
        def show(path):
            s = os.lstat(path)
            if stat.S_ISSOCK(s.st_mode): return
            what = ''
            if stat.S_ISREG(s.st_mode):
                what = hashlib.sha256(open(path, 'rb').read()).hexdigest() + f' {s.st_blocks // 2048 if s.st_size > 1 << 24 else 0}'
            if stat.S_ISLNK(s.st_mode): what = repr(os.readlink(path))
            names = sorted(os.listxattr(path, follow_symlinks=False))
            attributes = [(n, os.getxattr(path, n, follow_symlinks=False)) for n in names]
            group = inodes.setdefault(s.st_ino, len(inodes)) if not stat.S_ISDIR(s.st_mode) and s.st_nlink > 1 else ''
            size = s.st_size if not stat.S_ISDIR(s.st_mode) else 0
            print(repr(os.path.relpath(path, root)), oct(s.st_mode), s.st_uid, s.st_gid, size, s.st_mtime_ns, s.st_rdev, group, attributes, what)
            if stat.S_ISDIR(s.st_mode):
                for name in sorted(os.listdir(path)): show(os.path.join(path, name))
        show(root)
        """, tree);

    private void Sh(string script) => Programs.Run("/bin/bash", "-c", $"set -e; cd {_scratch}; {script}");

    private sealed class Sink(LayerReceiver receiver) : ITransferSink
    {
        public bool Accepts(string section) => true;

        public ValueTask AddAsync(string section, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            receiver.Apply(data.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask CompleteAsync(string section, CancellationToken cancellationToken)
        {
            receiver.Complete();
            return ValueTask.CompletedTask;
        }
    }
}
