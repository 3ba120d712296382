using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Vni.Actors.Names;
using Xunit;

namespace Vni.Unit.Tests.Names;

public sealed class ZoneAnswersTests
{
    private const string Soa = "lab.example soa ns.lab.example 41";

    [Theory]
    [InlineData("shop.lab.example", RecordTypes.A, "Exists; shop.lab.example 10.117.0.5")]
    [InlineData("ShOp.Lab.EXAMPLE", RecordTypes.A, "Exists; ShOp.Lab.EXAMPLE 10.117.0.5")]
    [InlineData("shop.lab.example", RecordTypes.Aaaa, "Exists; " + Soa)]
    [InlineData("dual.lab.example", RecordTypes.Aaaa, "Exists; dual.lab.example fd00:117::6")]
    [InlineData("dual.lab.example", RecordTypes.A, "Exists; dual.lab.example 10.117.1.6")]
    [InlineData("shop.lab.example", 15, "Exists; " + Soa)]
    [InlineData("shop.lab.example", RecordTypes.Any, "Exists; shop.lab.example minimal")]
    [InlineData("none.lab.example", RecordTypes.A, "Missing; " + Soa)]
    [InlineData("none.lab.example", RecordTypes.Any, "Missing; " + Soa)]
    [InlineData("www.shop.lab.example", RecordTypes.A, "Missing; " + Soa)]
    [InlineData("ns.lab.example", RecordTypes.A, "Exists; ns.lab.example 10.117.0.2")]
    [InlineData("ns.lab.example", RecordTypes.Aaaa, "Exists; " + Soa)]
    [InlineData("lab.example", RecordTypes.Soa, "Exists; " + Soa)]
    [InlineData("LAB.example", RecordTypes.Ns, "Exists; LAB.example ns ns.lab.example; ns.lab.example 10.117.0.2")]
    [InlineData("lab.example", RecordTypes.A, "Exists; " + Soa)]
    [InlineData("lab.example", RecordTypes.FirstTransfer + 1, "Refused")]
    [InlineData("example", RecordTypes.A, "Outside")]
    [InlineData("xlab.example", RecordTypes.A, "Outside")]
    [InlineData("shop.lab.example.org", RecordTypes.A, "Outside")]
    [InlineData("", RecordTypes.Ns, "Outside")]
    public void The_domain(string name, int type, string answer) => Assert.Equal(answer, Zone.Ask(name, type));

    [Theory]
    [InlineData("5.0.117.10.in-addr.arpa", RecordTypes.Ptr, "Exists; 5.0.117.10.in-addr.arpa -> shop.lab.example")]
    [InlineData("5.0.117.10.IN-ADDR.Arpa", RecordTypes.Ptr, "Exists; 5.0.117.10.IN-ADDR.Arpa -> shop.lab.example")]
    [InlineData("5.0.117.10.in-addr.arpa", RecordTypes.A, "Exists; 117.10.in-addr.arpa soa ns.lab.example 41")]
    [InlineData("5.0.117.10.in-addr.arpa", RecordTypes.Any, "Exists; 5.0.117.10.in-addr.arpa minimal")]
    [InlineData("6.0.117.10.in-addr.arpa", RecordTypes.Ptr, "Missing; 117.10.in-addr.arpa soa ns.lab.example 41")]
    [InlineData("0.117.10.in-addr.arpa", RecordTypes.Ptr, "Exists; 117.10.in-addr.arpa soa ns.lab.example 41")]
    [InlineData("117.10.in-addr.arpa", RecordTypes.Soa, "Exists; 117.10.in-addr.arpa soa ns.lab.example 41")]
    [InlineData("117.10.in-addr.arpa", RecordTypes.Ns, "Exists; 117.10.in-addr.arpa ns ns.lab.example; ns.lab.example 10.117.0.2")]
    [InlineData("256.0.117.10.in-addr.arpa", RecordTypes.Ptr, "Missing; 117.10.in-addr.arpa soa ns.lab.example 41")]
    [InlineData("05.0.117.10.in-addr.arpa", RecordTypes.Ptr, "Missing; 117.10.in-addr.arpa soa ns.lab.example 41")]
    [InlineData("x.0.117.10.in-addr.arpa", RecordTypes.Ptr, "Missing; 117.10.in-addr.arpa soa ns.lab.example 41")]
    [InlineData("1.5.0.117.10.in-addr.arpa", RecordTypes.Ptr, "Missing; 117.10.in-addr.arpa soa ns.lab.example 41")]
    [InlineData("10.in-addr.arpa", RecordTypes.Ns, "Outside")]
    [InlineData("5.0.118.10.in-addr.arpa", RecordTypes.Ptr, "Outside")]
    [InlineData("in-addr.arpa", RecordTypes.Ptr, "Outside")]
    [InlineData("arpa", RecordTypes.Ptr, "Outside")]
    // A /12 is sixteen zones, one for each second byte; beside them there is nothing of ours.
    [InlineData("1.255.79.10.in-addr.arpa", RecordTypes.Ptr, "Exists; 1.255.79.10.in-addr.arpa -> wide.lab.example")]
    [InlineData("79.10.in-addr.arpa", RecordTypes.Soa, "Exists; 79.10.in-addr.arpa soa ns.lab.example 41")]
    [InlineData("1.0.80.10.in-addr.arpa", RecordTypes.Ptr, "Outside")]
    // Of a subnet that is smaller than the last byte each address is a zone.
    [InlineData("130.2.0.192.in-addr.arpa", RecordTypes.Ptr, "Exists; 130.2.0.192.in-addr.arpa -> odd.lab.example")]
    [InlineData("130.2.0.192.in-addr.arpa", RecordTypes.Soa, "Exists; 130.2.0.192.in-addr.arpa soa ns.lab.example 41")]
    [InlineData("192.2.0.192.in-addr.arpa", RecordTypes.Ptr, "Outside")]
    public void IPv4_addresses(string name, int type, string answer) => Assert.Equal(answer, Zone.Ask(name, type));

    [Fact]
    public void IPv6_addresses()
    {
        const string Apex = "0.0.0.0.0.0.0.0.7.1.1.0.0.0.d.f.ip6.arpa";
        var name = "6" + string.Concat(Enumerable.Repeat(".0", 15)) + "." + Apex;
        Assert.Equal($"Exists; {name} -> dual.lab.example", Zone.Ask(name, RecordTypes.Ptr));
        Assert.Equal($"Exists; {name.ToUpperInvariant()} -> dual.lab.example", Zone.Ask(name.ToUpperInvariant(), RecordTypes.Ptr));
        Assert.Equal($"Missing; {Apex} soa ns.lab.example 41", Zone.Ask("7" + name[1..], RecordTypes.Ptr));
        Assert.Equal($"Exists; {Apex} soa ns.lab.example 41", Zone.Ask("0." + Apex, RecordTypes.Ptr));
        Assert.Equal($"Missing; {Apex} soa ns.lab.example 41", Zone.Ask("00." + Apex, RecordTypes.Ptr));
        Assert.Equal("Outside", Zone.Ask("1.7.1.1.0.0.0.d.f.ip6.arpa", RecordTypes.Ptr));

        // The /42 begins in the middle of a label: its zones are those of the four labels that begin so.
        Assert.Equal("Exists; 3.0.0.0.0.2.0.0.0.d.f.ip6.arpa soa ns.lab.example 41", Zone.Ask("3.0.0.0.0.2.0.0.0.d.f.ip6.arpa", RecordTypes.Soa));
        Assert.Equal("Outside", Zone.Ask("4.0.0.0.0.2.0.0.0.d.f.ip6.arpa", RecordTypes.Soa));
    }

    [Fact]
    public void Another_class_than_the_internets_is_refused() =>
        Assert.Equal("Refused", Zone.Text(new ZoneAnswers(Zone.Settings).Answer(Zone.Table, Zone.Question("shop.lab.example", RecordTypes.A) with { Class = 3 })));

    [Fact]
    public void Before_the_registry_has_been_read_nothing_is_said_not_to_exist()
    {
        var answers = new ZoneAnswers(Zone.Settings);
        Assert.Equal("Unready", Zone.Text(answers.Answer(table: null, Zone.Question("none.lab.example", RecordTypes.A))));
        Assert.Equal("Unready", Zone.Text(answers.Answer(table: null, Zone.Question("6.0.117.10.in-addr.arpa", RecordTypes.Ptr))));
        Assert.Equal("Outside", Zone.Text(answers.Answer(table: null, Zone.Question("example.org", RecordTypes.A))));
    }

    [Fact]
    public void An_application_may_be_called_as_the_name_server_is() =>
        Assert.Equal("Exists; ns.lab.example 10.117.7.7", Zone.Ask("ns.lab.example", RecordTypes.A, ZoneTable.Empty.With(42, [new("a", Zone.Instance("ns", "10.117.7.7"))])));

    [Fact]
    public void Serial_numbers_go_round_with_the_registrys_revision() =>
        Assert.Equal("Exists; lab.example soa ns.lab.example 1", Zone.Ask("lab.example", RecordTypes.Soa, ZoneTable.Empty.With((1L << 32) + 1, [])));

    /// <summary>The table and what is answered from it, against the simplest model: the list of who holds what.</summary>
    [Fact]
    public void After_any_changes_every_name_and_address_leads_to_its_holder_and_no_other()
    {
        var change = from aid in Gen.Choose(0, 5) from gone in Gen.Choose(0, 3) from number in Gen.Choose(0, 7) select (Aid: $"a{aid}", Gone: gone == 0, Number: number);
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(change.ListOf().ToArbitrary(), changes =>
        {
            var (table, model) = (ZoneTable.Empty, new Dictionary<string, int>(StringComparer.Ordinal));
            foreach (var (aid, gone, number) in changes)
            {
                if (!gone && model.Any(held => held.Value == number && held.Key != aid)) continue; // The allocator gives nothing twice.
                if (gone) model.Remove(aid);
                else model[aid] = number;
                table = table.With(table.Revision + 1, [new(aid, gone ? null : Zone.Instance($"h{number}", $"10.117.0.{number}", number % 2 == 0 ? $"fd00:117::{number}" : null))]);
            }

            return table.Count == model.Count && Enumerable.Range(0, 8).All(number =>
                table.Find($"H{number}") is not null == model.ContainsValue(number)
                && table.Find(IPAddress.Parse($"10.117.0.{number}"))?.Hostname == (model.ContainsValue(number) ? $"h{number}" : null)
                && table.Find(IPAddress.Parse($"fd00:117::{number}")) is not null == (model.ContainsValue(number) && number % 2 == 0));
        }));
    }

    [Fact]
    public void A_name_that_passes_from_one_application_to_another_in_one_change_is_the_others()
    {
        var table = ZoneTable.Empty.With(1, [new("old", Zone.Instance("shop", "10.117.0.5"))])
            .With(2, [new("young", Zone.Instance("shop", "10.117.0.5", "fd00:117::5")), new("old", null)]);
        Assert.Equal("Exists; shop.lab.example 10.117.0.5", Zone.Ask("shop.lab.example", RecordTypes.A, table));
        Assert.Equal("Exists; 5.0.117.10.in-addr.arpa -> shop.lab.example", Zone.Ask("5.0.117.10.in-addr.arpa", RecordTypes.Ptr, table));
    }
}
