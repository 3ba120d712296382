using FsCheck;
using FsCheck.Fluent;
using Vni.Actors;
using Vni.Actors.Identity;
using Vni.Actors.Resources;
using Xunit;

namespace Vni.Unit.Tests.Resources;

/// <summary>Random allocations, look-ups, releases and re-bindings against a model that is a list of pairs. A failure prints the seed and
/// the shortest sequence.</summary>
public sealed class RidTableModelTests
{
    private static readonly string[] Ids = ["1", "2", "5193", "/a", "@b"];
    private static readonly (string Node, string System)?[] Systems = [null, ("n1", "1"), ("n1", "2"), ("n1", "40112"), ("n2", "1"), ("n2", "2"), ("n2", "40112")];

    [Fact]
    public void In_any_order_they_stay_one_to_one() =>
        Prop.ForAll(Arb.From(Gen.ListOf(Steps())), steps => Agree([.. steps])).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    private static Gen<Step> Steps() =>
        from kind in Gen.Choose(0, 2)
        from id in Gen.Elements(Ids)
        from system in Gen.Elements(Systems)
        select new Step(kind, id, system);

    private static void Agree(List<Step> steps)
    {
        var table = new RidTable(Aid.Parse("shop"), ResourceType.Semaphore);
        var model = new List<(string Id, (string Node, string System)? System)>();
        foreach (var (kind, id, system) in steps)
        {
            var at = model.FindIndex(pair => pair.Id == id);
            var taken = system is not null && model.Exists(pair => pair.System == system && pair.Id != id);
            var wanted = kind switch
            {
                0 when at >= 0 || taken => ErrorCodes.Conflict,
                1 or 2 when at < 0 => ErrorCodes.UnknownResource,
                2 when taken => ErrorCodes.Conflict,
                _ => null,
            };
            Assert.Equal(wanted, CodeOf(() =>
            {
                if (kind == 0) table.Allocate(new ResourceEntry(ResourceType.Semaphore, id, system?.Node, system?.System, 0, default, ResourceDisposition.Virtualize));
                else if (kind == 1) table.Release(id);
                else table.Rebind(id, system?.Node, system?.System);
            }));
            if (wanted is null && kind == 0) model.Add((id, system));
            else if (wanted is null && kind == 1) model.RemoveAt(at);
            else if (wanted is null) model[at] = (id, system);
            Compare(table, model);
        }
    }

    private static void Compare(RidTable table, List<(string Id, (string Node, string System)? System)> model)
    {
        Assert.Equal(model.Order(), table.Entries.Select(e => (e.Virtual, e.System is null ? ((string, string)?)null : (e.Node!, e.System))).Order());
        foreach (var id in Ids)
        {
            var known = model.Exists(pair => pair.Id == id);
            Assert.Equal(known ? null : ErrorCodes.UnknownResource, CodeOf(() => Assert.Equal(id, table.Find(id).Virtual)));
        }

        foreach (var (node, system) in Systems.OfType<(string Node, string System)>())
        {
            var at = model.FindIndex(pair => pair.System == (node, system));
            Assert.Equal(at >= 0 ? null : ErrorCodes.ForeignResource, CodeOf(() => Assert.Equal(table.Find(node, system).Virtual, model[at].Id)));
        }
    }

    private static string? CodeOf(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (VniException e)
        {
            return e.Code;
        }
    }

    private sealed record Step(int Kind, string Id, (string Node, string System)? System);
}
