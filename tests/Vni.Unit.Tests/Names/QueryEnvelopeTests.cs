using System.Buffers.Binary;
using System.Text;
using ARSoft.Tools.Net.Dns;
using Vni.Cluster.Names;
using Xunit;

namespace Vni.Unit.Tests.Names;

public sealed class QueryEnvelopeTests
{
    [Fact]
    public void A_question_is_good()
    {
        var envelope = QueryEnvelope.Read(Query("Shop.lab.example"));
        Assert.Equal(QueryVerdict.Good, envelope.Verdict);
        Assert.Equal(["Shop", "lab", "example"], envelope.Labels);
        Assert.Equal((512, false), (envelope.PayloadSize, envelope.HasOptions));
    }

    [Fact]
    public void The_root_is_a_name() => Assert.Empty(QueryEnvelope.Read([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1]).Labels);

    [Theory]
    [InlineData(0, 512)]
    [InlineData(512, 512)]
    [InlineData(1000, 1000)]
    [InlineData(4096, 1232)]
    [InlineData(65535, 1232)]
    public void What_the_sender_takes_is_bounded(int asked, int allowed)
    {
        var envelope = QueryEnvelope.Read(Query("shop.lab.example", asked));
        Assert.Equal((QueryVerdict.Good, allowed, true), (envelope.Verdict, envelope.PayloadSize, envelope.HasOptions));
    }

    [Fact]
    public void Answers_and_scraps_get_no_answer()
    {
        var answer = Query("shop.lab.example");
        answer[2] |= 0x80;
        Assert.Equal(QueryVerdict.Ignore, QueryEnvelope.Read(answer).Verdict);
        for (var length = 0; length < 12; length++) Assert.Equal(QueryVerdict.Ignore, QueryEnvelope.Read(Query("shop.lab.example").AsSpan(0, length)).Verdict);
    }

    [Fact]
    public void Updates_and_notifications_are_unknown_here()
    {
        for (var opcode = 1; opcode < 16; opcode++)
        {
            var query = Query("shop.lab.example");
            query[2] |= (byte)(opcode << 3);
            Assert.Equal(QueryVerdict.Unknown, QueryEnvelope.Read(query).Verdict);
        }
    }

    [Fact]
    public void Every_beginning_of_a_query_is_malformed()
    {
        var query = Query("shop.lab.example", 1232);
        for (var length = 12; length < query.Length; length++) Assert.Equal(QueryVerdict.Malformed, QueryEnvelope.Read(query.AsSpan(0, length)).Verdict);
        Assert.Equal(QueryVerdict.Malformed, QueryEnvelope.Read([.. query, 0]).Verdict);
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(4, 2)]
    [InlineData(4, 0xffff)]
    [InlineData(6, 1)]
    [InlineData(8, 0xffff)]
    [InlineData(10, 1)]
    [InlineData(10, 2)]
    public void Counts_are_not_believed(int at, int count)
    {
        var query = Query("shop.lab.example");
        BinaryPrimitives.WriteUInt16BigEndian(query.AsSpan(at), (ushort)count);
        Assert.Equal(QueryVerdict.Malformed, QueryEnvelope.Read(query).Verdict);
    }

    [Theory]
    [InlineData(new byte[] { 0xc0, 0x0c, 0, 1, 0, 1 })] // Points to itself.
    [InlineData(new byte[] { 1, 97, 0xc0, 0x0c, 0, 1, 0, 1 })]
    [InlineData(new byte[] { 0x41, 0, 0, 0, 1, 0, 1 })] // A label type that was given up (RFC 6891, section 5).
    [InlineData(new byte[] { 0x80, 0, 0, 1, 0, 1 })]
    public void Names_that_are_not_written_out_are_malformed(byte[] question) =>
        Assert.Equal(QueryVerdict.Malformed, QueryEnvelope.Read([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. question]).Verdict);

    [Fact]
    public void A_name_has_255_bytes_at_most()
    {
        var label = new string('a', 63);
        Assert.Equal(QueryVerdict.Good, QueryEnvelope.Read(Query($"{label}.{label}.{label}.{label[..61]}")).Verdict);
        Assert.Equal(QueryVerdict.Malformed, QueryEnvelope.Read(Query($"{label}.{label}.{label}.{label[..62]}")).Verdict);
    }

    [Fact]
    public void A_refusal_is_never_longer_than_the_query_and_keeps_its_id()
    {
        var query = Query("shop.lab.example", 1232);
        Assert.Equal(query.Length - 11, QueryEnvelope.Read(query).Refuse(query, 5));
        Assert.Equal([0x12, 0x34, 0x81, 5, 0, 1, 0, 0, 0, 0, 0, 0], query[..12]);
        query = Query("shop.lab.example")[..20];
        Assert.Equal(12, QueryEnvelope.Read(query).Refuse(query, 1));
        Assert.Equal([0x12, 0x34, 0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0], query[..12]);
    }

    /// <summary>Whatever passes must be no trouble to the library behind, and must mean the same to it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_passes_is_read_by_the_library_as_here(int seed)
    {
        var random = new Random(seed);
        var (good, seeds) = (0, new[] { Query("shop.lab.example"), Query("a", 1232), Query("5.0.117.10.in-addr.arpa", 4096), Query("shop.lab.example", 1232, [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]) });
        for (var i = 0; i < 30_000; i++)
        {
            var packet = Damage(seeds[random.Next(seeds.Length)], random);
            var envelope = QueryEnvelope.Read(packet);
            if (envelope.Verdict is not QueryVerdict.Good) continue;
            good++;
            DnsMessage message;
            try
            {
                message = DnsMessage.Parse(packet);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException(Convert.ToHexString(packet), e);
            }

            if (envelope.IsAscii) Assert.Equal(envelope.Labels, Assert.Single(message.Questions).Name.Labels);
            Assert.Equal(envelope.HasOptions, message.IsEDnsEnabled);
        }

        Assert.True(good > 1000, $"{good}");
    }

    private static byte[] Damage(byte[] packet, Random random)
    {
        var damaged = packet.ToArray();
        for (var n = random.Next(4); n > 0; n--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
        return random.Next(4) switch
        {
            0 => damaged[..random.Next(damaged.Length + 1)],
            1 => [.. damaged, .. packet.AsSpan(0, random.Next(packet.Length))],
            _ => damaged,
        };
    }

    internal static byte[] Query(string name, int? payload = null, byte[]? options = null)
    {
        var packet = new List<byte> { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, (byte)(payload is null ? 0 : 1) };
        foreach (var label in name.Split('.')) packet.AddRange([(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]);
        packet.AddRange([0, 0, 1, 0, 1]);
        if (payload is { } size) packet.AddRange([0, 0, 41, (byte)(size >> 8), (byte)size, 0, 0, 0, 0, 0, (byte)(options?.Length ?? 0), .. options ?? []]);
        return [.. packet];
    }
}
