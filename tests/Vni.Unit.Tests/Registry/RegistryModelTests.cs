using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Vni.Actors.Registry;
using Vni.Cluster.Registry.Sqlite;
using Xunit;

namespace Vni.Unit.Tests.Registry;

/// <summary>Random transactions against a model that is a sorted dictionary. A failure prints the seed and the shortest sequence.</summary>
public sealed class RegistryModelTests
{
    private static readonly string[] Names = ["/a", "/a/", "/b", "/ä", "/\uFF5E", "/\U0001F600"];

    [Fact]
    public void The_store_does_what_the_model_does_and_its_history_replays_to_the_same_state() =>
        Prop.ForAll(Arb.From(Gen.ListOf(Transactions())), sequence => Agree(sequence.ToList()).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(150));

    private static async Task Agree(List<Transaction> sequence)
    {
        await using var registry = SqliteRegistry.Open(new() { Path = SqliteRegistryOptions.InMemory });
        var model = new Model();
        foreach (var transaction in sequence)
        {
            var expected = model.Apply(transaction);
            if (expected is null)
            {
                await Assert.ThrowsAsync<ArgumentException>(() => registry.TransactAsync(transaction, default));
                continue;
            }

            Assert.Equal(expected, Describe(await registry.TransactAsync(transaction, default)));
        }

        var all = await registry.RangeAsync(KeyRange.Prefix("/"), default);
        Assert.Equal(model.Show(), all.Pairs.Select(Describe));
        Assert.Equal(model.Revision, all.Revision);
        Assert.Equal(model.Show(), await ReplayAsync(registry, all.Revision));
    }

    private static async Task<IEnumerable<string>> ReplayAsync(IRegistry registry, long revision)
    {
        var state = new SortedDictionary<string, string>(Utf8Order.Instance);
        if (revision > 1)
        {
            await foreach (var batch in registry.WatchAsync(KeyRange.Prefix("/"), 1, default))
            {
                foreach (var change in batch.Changes)
                {
                    if (change.Deleted) state.Remove(change.Pair.Key);
                    else state[change.Pair.Key] = Describe(change.Pair);
                }

                if (batch.Revision == revision) break;
            }
        }

        return state.Values;
    }

    private static string Describe(TransactionResult result) =>
        $"{result.Revision} {result.Succeeded} " + string.Join(';', result.Responses.Select(r => $"{r.Count}[{string.Join(',', r.Pairs.Select(Describe))}]"));

    private static string Describe(KeyValue p) => $"{p.Key}={Encoding.UTF8.GetString(p.Value.Span)}:{p.CreateRevision}:{p.ModRevision}:{p.Version}";

    private static Gen<Transaction> Transactions() =>
        from conditions in Few(Comparisons(), 2)
        from then in Few(Operations(), 4)
        from @else in Few(Operations(), 2)
        select new Transaction(conditions, then, @else);

    private static Gen<T[]> Few<T>(Gen<T> item, int most) => from count in Gen.Choose(0, most) from items in Gen.ArrayOf(item, count) select items;

    private static Gen<Comparison> Comparisons() =>
        from name in Gen.Elements(Names)
        from target in Gen.Elements(CompareTarget.Version, CompareTarget.CreateRevision, CompareTarget.ModRevision, CompareTarget.Value)
        from result in Gen.Elements(Enum.GetValues<CompareResult>())
        from number in Gen.Choose(0, 6)
        select new Comparison(name, target, result, number, Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture)));

    private static Gen<Operation> Operations() => Gen.Frequency(
        (4, from name in Gen.Elements(Names) from value in Gen.Choose(0, 6) select (Operation)new Operation.Put(name, Encoding.UTF8.GetBytes($"{value}"))),
        (2, from range in Ranges() select (Operation)new Operation.Delete(range)),
        (2, from range in Ranges() from limit in Gen.Choose(0, 2) select (Operation)new Operation.Get(range with { Limit = limit })));

    private static Gen<KeyRange> Ranges() =>
        from name in Gen.Elements(Names)
        from end in Gen.Elements([null, .. Names])
        select new KeyRange(name, end);

    /// <summary>The contract in its plainest form.</summary>
    private sealed class Model
    {
        private readonly SortedDictionary<string, KeyValue> _pairs = new(Utf8Order.Instance);

        public long Revision { get; private set; } = 1;

        public IEnumerable<string> Show() => _pairs.Values.Select(Describe);

        /// <summary>The result; <c>null</c>: refused.</summary>
        public string? Apply(Transaction transaction)
        {
            if (Conflicts(transaction.Then) || Conflicts(transaction.Else)) return null;
            var succeeded = transaction.If.All(Holds);
            var next = Revision + 1;
            var responses = (succeeded ? transaction.Then : transaction.Else).Select(operation => Run(operation, next)).ToList();
            if (responses.Any(response => response.Changed)) Revision = next;
            return Describe(new TransactionResult(Revision, succeeded, [.. responses.Select(response => response.Result)]));
        }

        private static bool Conflicts(IReadOnlyList<Operation> branch)
        {
            var puts = branch.OfType<Operation.Put>().Select(put => put.Key).ToList();
            return puts.Distinct().Count() != puts.Count || branch.OfType<Operation.Delete>().Any(delete => puts.Exists(key => In(delete.Range, key)));
        }

        private static bool In(KeyRange range, string key) => range.End is null
            ? key == range.Key
            : Utf8Order.Instance.Compare(key, range.Key) >= 0 && Utf8Order.Instance.Compare(key, range.End) < 0;

        private bool Holds(Comparison c)
        {
            var pair = _pairs.GetValueOrDefault(c.Key);
            if (c.Target == CompareTarget.Value && pair is null) return false;
            var order = c.Target switch
            {
                CompareTarget.Version => (pair?.Version ?? 0) - c.Number,
                CompareTarget.CreateRevision => (pair?.CreateRevision ?? 0) - c.Number,
                CompareTarget.ModRevision => (pair?.ModRevision ?? 0) - c.Number,
                _ => pair!.Value.Span.SequenceCompareTo(c.Value.Span),
            };
            return c.Result switch { CompareResult.Equal => order == 0, CompareResult.NotEqual => order != 0, CompareResult.Greater => order > 0, _ => order < 0 };
        }

        private (OperationResult Result, bool Changed) Run(Operation operation, long revision)
        {
            if (operation is Operation.Put put)
            {
                var former = _pairs.GetValueOrDefault(put.Key);
                _pairs[put.Key] = new(put.Key, put.Value, former?.CreateRevision ?? revision, revision, (former?.Version ?? 0) + 1, 0);
                return (new([], 1), true);
            }

            var range = operation is Operation.Get get ? get.Range : ((Operation.Delete)operation).Range;
            var found = _pairs.Values.Where(pair => In(range, pair.Key)).ToList();
            if (operation is Operation.Get) return (new([.. range.Limit > 0 ? found.Take(range.Limit) : found], found.Count), false);
            foreach (var pair in found) _pairs.Remove(pair.Key);
            return (new([], found.Count), found.Count > 0);
        }
    }

    private sealed class Utf8Order : IComparer<string>
    {
        public static readonly Utf8Order Instance = new();

        public int Compare(string? x, string? y) => Encoding.UTF8.GetBytes(x!).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y!));
    }
}
