using System.Globalization;
using System.Text;
using Vni.Interposer.Linux;
using Vni.Interposer.Transfers;
using Xunit;

namespace Vni.Unit.Tests.Transfers;

/// <summary>Passes over a layer, on real files: what root alone can make is in the Linux tests.</summary>
public sealed class LayerPassTests : IDisposable
{
    private static readonly HashSet<string> NoMappings = [];
    private readonly string _scratch = Directory.CreateTempSubdirectory("vni-layer-").FullName;
    private readonly string _source, _target;

    public LayerPassTests()
    {
        _source = Directory.CreateDirectory(Path.Combine(_scratch, "source")).FullName;
        _target = Directory.CreateDirectory(Path.Combine(_scratch, "target")).FullName;
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a/../../x")]
    [InlineData("/etc/x")]
    [InlineData("a//x")]
    [InlineData("./x")]
    [InlineData("a/")]
    [InlineData("")]
    public void A_path_that_is_not_plain_is_refused(string path)
    {
        using var receiver = new LayerReceiver(_target);
        Assert.Throws<InvalidDataException>(() => receiver.Apply(new LayerRecordWriter().Begin(LayerRecordKind.Deleted).Name(path).Record.Span));
    }

    [Fact]
    public void What_is_behind_a_link_of_the_layer_is_not_reached()
    {
        var outside = Directory.CreateDirectory(Path.Combine(_scratch, "outside")).FullName;
        File.WriteAllText(Path.Combine(outside, "precious"), "mine");
        Directory.CreateSymbolicLink(Path.Combine(_target, "way"), outside);
        using var receiver = new LayerReceiver(_target);
        receiver.Apply(new LayerRecordWriter().Begin(LayerRecordKind.Deleted).Name("way/precious").Record.Span);
        var file = new LayerRecordWriter().Begin(LayerRecordKind.File).Name("way/new").Properties(Libc.LookAt(Path.Combine(outside, "precious"))!.Value, []);
        Assert.Throws<InvalidDataException>(() => receiver.Apply(file.Record.Span));
        Assert.Throws<InvalidDataException>(() => receiver.Apply(new LayerRecordWriter().Begin(LayerRecordKind.HardLink).Name("stolen").Name("way/precious").Record.Span));
        Assert.Equal(["precious"], Directory.EnumerateFiles(outside).Select(Path.GetFileName));
    }

    [Fact]
    public void A_device_that_no_instance_has_is_refused()
    {
        var status = Libc.LookAt("/dev/null")!.Value;
        using var receiver = new LayerReceiver(_target);
        Assert.Throws<InvalidDataException>(() => receiver.Apply(new LayerRecordWriter().Begin(LayerRecordKind.Node).Name("disk").Properties(status, []).Number(8u).Number(0u).Record.Span));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_target));
    }

    [Fact]
    public void Every_beginning_of_a_record_is_refused()
    {
        var whole = new LayerRecordWriter().Begin(LayerRecordKind.Directory).Name("sub").Properties(Libc.LookAt(_source)!.Value, [("user.x"u8.ToArray(), "y"u8.ToArray())]).Record.ToArray();
        using var receiver = new LayerReceiver(_target);
        for (var length = 1; length < whole.Length; length++)
        {
            var cut = whole[..length];
            Assert.Throws<InvalidDataException>(() => receiver.Apply(cut));
        }

        Assert.Throws<InvalidDataException>(() => receiver.Apply([.. whole, 0]));
        Assert.Throws<InvalidDataException>(() => receiver.Apply("?"u8));
    }

    [Fact]
    public async Task What_changed_within_the_grain_of_the_clock_is_sent_once_more()
    {
        var log = Path.Combine(_source, "log");
        File.WriteAllText(log, "one");
        var status = Libc.LookAt(log)!.Value;
        var changed = DateTimeOffset.FromUnixTimeSeconds(status.ChangedSeconds).AddTicks(status.ChangedNanoseconds / 100);
        var close = await PassAsync(0, LayerLedger.Nothing, new Stopped(changed.AddMilliseconds(10)));
        Assert.Contains("log", close.Sent);
        Assert.Contains("log", (await PassAsync(1, close.Ledger, new Stopped(changed.AddSeconds(1)))).Sent);
        var later = await PassAsync(0, LayerLedger.Nothing, new Stopped(changed.AddMilliseconds(30)));
        Assert.DoesNotContain("log", (await PassAsync(1, later.Ledger, new Stopped(changed.AddSeconds(1)))).Sent);
    }

    [Fact]
    public void Mapped_files_are_read_with_their_access()
    {
        var maps = """
            00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/dbus-daemon
            7f0000000000-7f0000001000 rw-s 00000000 00:2a 12      /var/lib/a b.db
            7f0000001000-7f0000002000 rw-s 00000000 00:01 13      /var/lib/gone (deleted)
            7f0000002000-7f0000003000 rw-p 00000000 00:00 0       [heap]
            7f0000003000-7f0000004000 r--s 00000000 00:2a 14      /var/lib/new\012line

            """;
        Assert.Equal(
            [new MappedFile(false, "/usr/bin/dbus-daemon"), new MappedFile(true, "/var/lib/a b.db"), new MappedFile(false, "/var/lib/new\nline")],
            MappedFile.Parse(maps));
    }

    [Fact]
    public void A_build_id_is_found_behind_other_notes()
    {
        byte[] notes = [4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, .. "GNU\0"u8, 1, 2, 3, 4, 4, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, .. "GNU\0"u8, 0xab, 0xcd, 0xef, 0];
        Assert.Equal("abcdef", ElfBuildId.Find(notes));
        Assert.Null(ElfBuildId.Find(notes.AsSpan(0, notes.Length - 4)));
    }

    public void Dispose() => TreeRemoval.Remove(_scratch);

    private async Task<(LayerLedger Ledger, string Sent)> PassAsync(int number, LayerLedger former, TimeProvider clock)
    {
        var stream = new MemoryStream();
        using var writer = new TransferWriter(stream);
        var ledger = await new LayerSender(_source, writer, clock).SendAsync(number, former, NoMappings, still: true, default);
        await writer.EndAsync(null, default);
        return (ledger, Encoding.Latin1.GetString(stream.ToArray()).ToString(CultureInfo.InvariantCulture));
    }

    private sealed class Stopped(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
