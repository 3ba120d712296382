using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Vni.EndToEnd.Tests.Farming;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>Peers that lie: refused, nothing is left at the node that they spoke to, and what runs runs on.</summary>
public sealed class ClientsHostilePeerTests(PlaygroundFixture fixture) : PlaygroundTests(fixture)
{
    /// <summary>A name of an application that is nowhere.</summary>
    private const string Ghost = "ghost";

    [Fact]
    public async Task Without_a_certificate_of_the_farm_nobody_is_answered()
    {
        var foreign = Path.Combine(Farm.Directory, "foreign");
        await Farm.VniAsync("n1", "certificates", "create", foreign);
        await Farm.VniAsync("n1", "certificates", "issue", foreign, Farm.IdentityOf("n2"));
        using var nobody = new ClientsHostilePeer(Farm, null, Farm.IdentityOf("n2"));
        using var stranger = new ClientsHostilePeer(Farm, foreign, Farm.IdentityOf("n2"));
        foreach (var peer in new[] { nobody, stranger })
        {
            Assert.StartsWith("no answer", await peer.AskAsync("n1", peer.Envelope("n1", "node.leave", true)), StringComparison.Ordinal);
            Assert.StartsWith("no answer", await peer.GetAsync("n1", "/v1/applications"), StringComparison.Ordinal);
        }

        await StillWellAsync();
    }

    [Fact]
    public async Task Only_a_node_may_send_messages_and_only_in_its_own_name()
    {
        using var @operator = new ClientsHostilePeer(Farm, Farm.Certificates, await IssueAsync("mallory", "operator"));
        Assert.Contains("forbidden", await @operator.AskAsync("n1", @operator.Envelope("n1", "node.leave", true)), StringComparison.Ordinal);
        Assert.StartsWith("200", await @operator.GetAsync("n1", "/v1/applications"), StringComparison.Ordinal);

        using var node = new ClientsHostilePeer(Farm, Farm.Certificates, await IssueAsync("evil", "node"));
        foreach (var (member, value, code) in new[]
        {
            ("from", Farm.IdentityOf("n2"), "forbidden"), ("from", "", "invalid_argument"), ("farm", "another", "forbidden"), ("to", Farm.IdentityOf("n2"), "conflict"),
            ("id", "../id", "invalid_argument"), ("kind", "node.destroy", "incompatible"), ("sent", "2001-01-01T00:00:00Z", "conflict"),
        })
        {
            var envelope = node.Envelope("n1", "node.leave", true);
            envelope[member] = value;
            var answer = await node.AskAsync("n1", envelope);
            Assert.True(answer.Contains(code, StringComparison.Ordinal), $"{member} = '{value}' gave {answer}");
        }

        Assert.Contains("error", await node.AskAsync("n1", node.Envelope("n1", "node.leave", "not a boolean")), StringComparison.Ordinal);
        Assert.Contains("error", await node.AskAsync("n1", JsonNode.Parse("[1, 2]")!), StringComparison.Ordinal);
        await StillWellAsync();
    }

    [Fact]
    public async Task A_message_that_is_sent_again_is_not_done_again()
    {
        await RunCounterAsync("app");
        using var node = new ClientsHostilePeer(Farm, Farm.Certificates, await IssueAsync("evil", "node"));
        var stop = node.Envelope("n1", "application.stop", new JsonObject { ["aid"] = "app", ["body"] = new JsonObject { ["graceSeconds"] = 0 } });
        var first = await node.AskAsync("n1", stop);
        Assert.Contains("stopped", first, StringComparison.Ordinal);
        await Farm.VniAsync("n1", "start", "app");
        Assert.Equal(first, await node.AskAsync("n1", stop));
        await Farm.AssertAsync("app", "running", "n1");
        stop["body"]!["aid"] = "another";
        Assert.Contains("error", await node.AskAsync("n1", stop), StringComparison.Ordinal);
        await Farm.AssertAsync("app", "running", "n1");
    }

    [Fact]
    public async Task A_hand_off_that_the_sender_is_not_the_source_of_is_refused()
    {
        using var node = new ClientsHostilePeer(Farm, Farm.Certificates, await IssueAsync("evil", "node"));
        foreach (var (member, value) in new[] { ("source", Farm.IdentityOf("n3")), ("target", Farm.IdentityOf("n3")), ("id", "../../etc") })
        {
            var body = await node.PrepareAsync(NewId(), Ghost, "n2");
            body["handOff"]![member] = value;
            Assert.Contains("error", await node.AskAsync("n2", node.Envelope("n2", "handoff.prepare", body)), StringComparison.Ordinal);
        }

        foreach (var kind in new[] { "handoff.hold", "handoff.abandon" })
        {
            Assert.Contains("not_found", await node.AskAsync("n2", node.Envelope("n2", kind, Header(NewId()))), StringComparison.Ordinal);
        }

        await Farm.AssertNothingLeftAsync();
        await StillWellAsync();
    }

    /// <summary>Streams that no honest source sends, by what is wrong with them.</summary>
    public static TheoryData<string> Streams =>
    [
        "empty", "another format", "truncated", "altered", "endless", "endless name", "outside", "absolute", "image outside", "through a link", "device", "huge file", "no digest", "another offset",
    ];

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task A_stream_that_is_not_as_it_should_be_is_refused_and_nothing_of_it_stays(string wrong)
    {
        const string Mark = "/var/tmp/vni-hostile-mark";
        using var node = new ClientsHostilePeer(Farm, Farm.Certificates, await IssueAsync("evil", "node"));
        var handOff = NewId();
        Assert.Contains("true", await node.AskAsync("n2", node.Envelope("n2", "handoff.prepare", await node.PrepareAsync(handOff, Ghost, "n2"))), StringComparison.Ordinal);

        var stream = Stream(wrong, Mark);
        var answer = await node.StreamAsync("n2", node.Envelope("n2", "handoff.layer", Header(handOff)), stream);
        Assert.True(answer.Contains("\"error\"", StringComparison.Ordinal) || answer.StartsWith("no answer", StringComparison.Ordinal), $"{wrong}: {answer}");
        Assert.True(stream is not Endless { IsExhausted: true }, "the node has read on and on");
        Assert.False(File.Exists(Mark), "a file was written outside of the instance's directory");

        // What was never completed cannot be made to run.
        Assert.Contains("error", await node.StreamAsync("n2", node.Envelope("n2", "handoff.state", Header(handOff)), Stream(wrong, Mark)), StringComparison.Ordinal);
        await node.AskAsync("n2", node.Envelope("n2", "handoff.abandon", Header(handOff)));
        await Farm.AssertNothingLeftAsync();
        await StillWellAsync();
    }

    [Fact]
    public async Task What_a_peer_has_begun_and_never_ends_is_dropped()
    {
        using var node = new ClientsHostilePeer(Farm, Farm.Certificates, await IssueAsync("evil", "node"));
        var handOff = NewId();
        Assert.Contains("true", await node.AskAsync("n2", node.Envelope("n2", "handoff.prepare", await node.PrepareAsync(handOff, Ghost, "n2"))), StringComparison.Ordinal);
        Assert.Contains("true", await node.AskAsync("n2", node.Envelope("n2", "handoff.hold", Header(handOff))), StringComparison.Ordinal);
        Assert.NotEmpty(await Farm.LeftoversAsync("n2"));
        await Farm.AssertNothingLeftAsync();
    }

    private static JsonObject Header(string handOff) => new() { ["id"] = handOff, ["aid"] = Ghost };

    private static string NewId() => Guid.NewGuid().ToString("N");

    private async Task<string> IssueAsync(string name, string role)
    {
        name = $"{Farm.Name}-{name}";
        await Farm.VniAsync("n1", "certificates", "issue", Farm.Certificates, name, "--role", role);
        return name;
    }

    /// <summary>All nodes are there, and one of them runs and moves an application.</summary>
    private async Task StillWellAsync()
    {
        Assert.Equal(3, (await Farm.VniJsonAsync("n1", "nodes")).EnumerateArray().Count(n => n.Text("status") == "up"));
        var ip = await RunCounterAsync("honest", "n2");
        await using var client = await LineClient.ConnectAsync(Farm.Client, ip);
        await client.CountAsync();
        await Farm.MigrateAsync("honest", "n1");
        await client.CountAsync();
        await Farm.VniAsync("n1", "rm", "--force", "honest");
    }

    private static Stream Stream(string wrong, string mark)
    {
        byte[] magic = "VNIMOVE\x01"u8.ToArray(), end = Frame(4, "", 0, []);
        byte[] name = Record('f', "file");
        return wrong switch
        {
            "empty" => new MemoryStream(),
            "another format" => new MemoryStream([.. "VNIMOVE\x02"u8, .. end]),
            "truncated" => new MemoryStream([.. magic, .. Frame(1, "layer/0", 0, name)[..^3]]),
            "altered" => new MemoryStream([.. magic, .. Section("layer/0", [name, [(byte)'e', 0, 0, 0, 0, 0, 0, 0, 0]], digest => digest[0] ^= 1), .. end]),
            "endless" => new Endless([.. magic, .. Frame(1, "layer/0", 0, name)], at => Frame(1, "layer/0", name.Length + at, [(byte)'c', .. Number(at), .. new byte[(1 << 20) - 9]])),
            "endless name" => new MemoryStream([.. magic, .. Frame(1, "layer/0", 0, [(byte)'d', 0xff, 0xff, 0xff, 0x7f, .. new byte[100]]), .. end]),
            "outside" => Layer(Record('f', "../../../../../../../.." + mark)),
            "absolute" => Layer(Record('f', mark)),
            "image outside" => new MemoryStream([.. magic, .. Section("images/../../../../../../.." + mark, [[1, 2, 3]]), .. end]),
            "through a link" => Layer([(byte)'l', .. Text("link"), .. Properties(), .. Text("/var/tmp")], Record('f', "link/" + Path.GetFileName(mark)), [(byte)'e', 0, 0, 0, 0, 0, 0, 0, 0]),
            "device" => Layer([(byte)'n', .. Text("disk"), .. Properties(0x6180), .. BitConverter.GetBytes(254), .. BitConverter.GetBytes(0)]),
            "huge file" => Layer(name, [(byte)'e', .. Number(long.MaxValue)]),
            "no digest" => new MemoryStream([.. magic, .. Frame(1, "layer/0", 0, name), .. end]),
            "another offset" => new MemoryStream([.. magic, .. Frame(1, "layer/0", 100, name), .. end]),
            _ => throw new ArgumentOutOfRangeException(nameof(wrong), wrong, "no such stream"),
        };

        MemoryStream Layer(params byte[][] records) => new([.. magic, .. Section("layer/0", records), .. end]);
    }

    /// <summary>Parts and digest of a section.</summary>
    private static byte[] Section(string name, byte[][] parts, Action<byte[]>? alter = null)
    {
        var (all, at) = (new List<byte>(), 0L);
        foreach (var part in parts)
        {
            all.AddRange(Frame(1, name, at, part));
            at += part.Length;
        }

        var digest = SHA256.HashData(parts.SelectMany(p => p).ToArray());
        alter?.Invoke(digest);
        return [.. all, .. Frame(2, name, at, digest)];
    }

    private static byte[] Frame(byte kind, string section, long offset, byte[] payload) =>
        [kind, (byte)section.Length, 0, 0, .. BitConverter.GetBytes(payload.Length), .. Number(offset), .. Encoding.UTF8.GetBytes(section), .. payload];

    private static byte[] Record(char kind, string path) => [(byte)kind, .. Text(path), .. Properties()];

    /// <summary>Mode, owner, group, two times, no attributes.</summary>
    private static byte[] Properties(int mode = 0x81a4) => [.. BitConverter.GetBytes(mode), .. new byte[8 + 24 + 4]];

    private static byte[] Text(string text) => [.. BitConverter.GetBytes(text.Length), .. Encoding.UTF8.GetBytes(text)];

    private static byte[] Number(long value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return bytes;
    }

    /// <summary>Goes on and on; an end is put to it at many times what was announced, so that a test ends.</summary>
    private sealed class Endless : MemoryStream
    {
        private const long Limit = 512L << 20;
        private readonly Func<long, byte[]> _next;
        private long _given;

        public Endless(byte[] first, Func<long, byte[]> next)
        {
            _next = next;
            Write(first);
            Position = 0;
        }

        public bool IsExhausted => _given > Limit;

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = base.Read(buffer, offset, count);
            if (read > 0) return read;
            if (IsExhausted) return 0;
            var more = _next(_given);
            SetLength(0);
            Write(more);
            Position = 0;
            _given += more.Length - 16 - "layer/0".Length;
            return base.Read(buffer, offset, count);
        }
    }
}
