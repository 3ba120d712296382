using System.Text;
using Vni.Actors.Registry;
using Vni.Unit.Tests.Fakes;
using Xunit;

namespace Vni.Unit.Tests.Registry;

/// <summary>
/// What every store behind <see cref="IRegistry"/> does, in etcd's words. Nothing here assumes that a store is empty at
/// first, starts at a certain revision, or follows a clock that the test moves: a subclass that cannot move it overrides
/// <see cref="PassAsync"/> and waits.
/// </summary>
public abstract partial class RegistryConformance : IAsyncLifetime
{
    protected static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string _root = $"/test-{Guid.NewGuid():N}/";

    protected ManualTimeProvider Time { get; } = new();

    protected IRegistry Registry { get; private set; } = null!;

    /// <summary>A store that uses the clock if it can.</summary>
    protected abstract Task<IRegistry> CreateAsync(TimeProvider time);

    /// <summary>Lets time pass for leases.</summary>
    protected virtual Task PassAsync(TimeSpan time)
    {
        Time.Advance(time);
        return Task.CompletedTask;
    }

    public virtual async Task InitializeAsync() => Registry = await CreateAsync(Time);

    public virtual async Task DisposeAsync() => await Registry.DisposeAsync();

    [Fact]
    public async Task The_first_put_makes_a_key_and_later_ones_count_its_version()
    {
        var first = await PutAsync("a", "1");
        var second = await PutAsync("a", "2");
        var pair = await GetAsync("a");
        Assert.Equal(first.Revision + 1, second.Revision);
        Assert.Equal(("2", first.Revision, second.Revision, 2, 0), (Text(pair!), pair!.CreateRevision, pair.ModRevision, pair.Version, pair.Lease));
    }

    [Fact]
    public async Task A_deleted_key_begins_anew_when_it_is_put_again()
    {
        await PutAsync("a", "1");
        await PutAsync("a", "2");
        await RunAsync(Delete("a"));
        Assert.Null(await GetAsync("a"));
        var again = await PutAsync("a", "3");
        var pair = await GetAsync("a");
        Assert.Equal((again.Revision, again.Revision, 1), (pair!.CreateRevision, pair.ModRevision, pair.Version));
    }

    [Fact]
    public async Task An_empty_value_is_kept_as_such()
    {
        await PutAsync("a", "");
        Assert.Equal(0, (await GetAsync("a"))!.Value.Length);
    }

    [Fact]
    public async Task Any_bytes_are_kept_as_they_are()
    {
        var value = Enumerable.Range(0, 256).Select(i => (byte)i).ToArray();
        await RunAsync(new Operation.Put(Key("a"), value));
        Assert.Equal(value, (await GetAsync("a"))!.Value.ToArray());
    }

    [Fact]
    public async Task A_range_is_half_open_and_ordered_by_the_bytes_of_the_keys()
    {
        // U+FF5E sorts before U+1F600 in UTF-8, and after it in UTF-16.
        string[] names = ["b", "a", "a\0", "a/", "é", "\uFF5E", "\U0001F600", "B"];
        foreach (var name in names) await PutAsync(name, name);
        var all = await Registry.RangeAsync(KeyRange.Prefix(_root), default);
        Assert.Equal(["B", "a", "a\0", "a/", "b", "é", "\uFF5E", "\U0001F600"], all.Pairs.Select(Name));
        var some = await Registry.RangeAsync(new KeyRange(Key("a"), Key("b")), default);
        Assert.Equal(["a", "a\0", "a/"], some.Pairs.Select(Name));
        Assert.Equal(3, some.Count);
    }

    [Fact]
    public async Task A_range_that_ends_before_it_begins_is_empty()
    {
        await PutAsync("a", "1");
        var result = await Registry.RangeAsync(new KeyRange(Key("b"), Key("a")), default);
        Assert.Empty(result.Pairs);
        Assert.Equal(0, result.Count);
    }

    [Fact]
    public async Task A_single_key_is_not_a_prefix()
    {
        await PutAsync("ab", "1");
        Assert.Null(await GetAsync("a"));
    }

    [Fact]
    public async Task A_limit_cuts_the_pairs_and_not_the_count_and_keys_can_come_without_values()
    {
        for (var i = 0; i < 5; i++) await PutAsync($"k{i}", "value");
        var result = await Registry.RangeAsync(KeyRange.Prefix(Key("k")) with { Limit = 2, KeysOnly = true }, default);
        Assert.Equal(["k0", "k1"], result.Pairs.Select(Name));
        Assert.All(result.Pairs, pair => Assert.Equal(0, pair.Value.Length));
        Assert.All(result.Pairs, pair => Assert.Equal(1, pair.Version));
        Assert.Equal(5, result.Count);
    }

    [Fact]
    public async Task All_changes_of_a_transaction_share_one_revision()
    {
        await PutAsync("old", "1");
        var before = (await PutAsync("old2", "1")).Revision;
        var result = await RunAsync(Put("a", "1"), Delete("old"), Put("b", "2"), new Operation.Delete(KeyRange.Prefix(Key("old"))));
        Assert.Equal(before + 1, result.Revision);
        Assert.Equal([1, 1, 1, 1], result.Responses.Select(response => response.Count));
        Assert.Equal(result.Revision, (await GetAsync("a"))!.ModRevision);
        Assert.Equal(result.Revision, (await GetAsync("b"))!.ModRevision);
    }

    [Fact]
    public async Task What_changes_nothing_takes_no_revision()
    {
        var before = (await PutAsync("a", "1")).Revision;
        Assert.Equal(before, (await RunAsync(Delete("absent"))).Revision);
        Assert.Equal(before, (await RunAsync(Get("a"))).Revision);
        Assert.Equal(before, (await RunAsync()).Revision);
        var refused = await Registry.TransactAsync(new([Comparison.Absent(Key("a"))], [Put("a", "2")], []), default);
        Assert.Equal((before, false), (refused.Revision, refused.Succeeded));
        Assert.Empty(refused.Responses);
        Assert.Equal(before + 1, (await PutAsync("a", "1")).Revision); // The same value again is a change.
    }

    [Fact]
    public async Task Deletes_say_how_many_pairs_they_deleted()
    {
        for (var i = 0; i < 5; i++) await PutAsync($"k{i}", "v");
        var result = await RunAsync(new Operation.Delete(new KeyRange(Key("k1"), Key("k4"))), Delete("absent"), Delete("k0"));
        Assert.Equal([3, 0, 1], result.Responses.Select(response => response.Count));
        Assert.Equal(["k4"], (await Registry.RangeAsync(KeyRange.Prefix(_root), default)).Pairs.Select(Name));
    }

    [Fact]
    public async Task A_step_sees_what_earlier_steps_did()
    {
        await PutAsync("a", "1");
        var result = await RunAsync(Get("a"), Put("a", "2"), Get("a"), Delete("b"), Get("b"));
        Assert.Equal("1", Text(result.Responses[0].Pairs.Single()));
        var own = result.Responses[2].Pairs.Single();
        Assert.Equal(("2", result.Revision, 2L), (Text(own), own.ModRevision, own.Version));
        Assert.Empty(result.Responses[4].Pairs);
    }

    [Fact]
    public async Task The_second_branch_runs_when_one_comparison_fails()
    {
        await PutAsync("a", "1");
        var result = await Registry.TransactAsync(
            new([Comparison.Present(Key("a")), Comparison.Absent(Key("a"))], [Put("a", "then")], [Put("b", "else"), Get("a")]), default);
        Assert.False(result.Succeeded);
        Assert.Equal("1", Text(result.Responses[1].Pairs.Single()));
        Assert.Equal("else", Text((await GetAsync("b"))!));
    }

    [Theory]
    [InlineData(CompareTarget.Version, 2)]
    [InlineData(CompareTarget.CreateRevision, -1)]
    [InlineData(CompareTarget.ModRevision, -2)]
    [InlineData(CompareTarget.Lease, 0)]
    public async Task Numbers_compare_with_the_stored_one_on_the_left(CompareTarget target, long stored)
    {
        var created = (await PutAsync("a", "1")).Revision;
        var modified = (await PutAsync("a", "2")).Revision;
        stored = stored switch { -1 => created, -2 => modified, _ => stored };
        foreach (var (given, equal, greater, less) in new[] { (stored, true, false, false), (stored - 1, false, true, false), (stored + 1, false, false, true) })
        {
            Assert.Equal(equal, await HoldsAsync(new(Key("a"), target, CompareResult.Equal, given)));
            Assert.Equal(!equal, await HoldsAsync(new(Key("a"), target, CompareResult.NotEqual, given)));
            Assert.Equal(greater, await HoldsAsync(new(Key("a"), target, CompareResult.Greater, given)));
            Assert.Equal(less, await HoldsAsync(new(Key("a"), target, CompareResult.Less, given)));
        }
    }

    [Theory]
    [InlineData("m", CompareResult.Equal, true)]
    [InlineData("n", CompareResult.Equal, false)]
    [InlineData("n", CompareResult.NotEqual, true)]
    [InlineData("l", CompareResult.Greater, true)]
    [InlineData("", CompareResult.Greater, true)]
    [InlineData("m", CompareResult.Greater, false)]
    [InlineData("ma", CompareResult.Less, true)]
    public async Task Values_compare_by_their_bytes(string given, CompareResult result, bool holds)
    {
        await PutAsync("a", "m");
        Assert.Equal(holds, await HoldsAsync(new(Key("a"), CompareTarget.Value, result, 0, Bytes(given))));
    }

    [Fact]
    public async Task An_absent_key_has_zeros_and_no_value()
    {
        foreach (var target in new[] { CompareTarget.Version, CompareTarget.CreateRevision, CompareTarget.ModRevision, CompareTarget.Lease })
            Assert.True(await HoldsAsync(new(Key("a"), target, CompareResult.Equal, 0)));
        foreach (var result in Enum.GetValues<CompareResult>())
            Assert.False(await HoldsAsync(new(Key("a"), CompareTarget.Value, result, 0, Bytes("x"))));
    }

    [Fact]
    public async Task A_key_may_not_be_put_twice_nor_put_and_deleted_in_one_branch()
    {
        await PutAsync("a", "1");
        await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(Put("a", "2"), Put("a", "3")));
        await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(Put("a", "2"), new Operation.Delete(KeyRange.Prefix(_root))));
        await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(Delete("a"), Put("a", "2")));
        Assert.Equal("1", Text((await GetAsync("a"))!));
        await Registry.TransactAsync(new([], [Put("a", "2")], [Put("a", "3")]), default); // One per branch is fine.
    }

    [Fact]
    public async Task Too_many_steps_or_too_many_bytes_are_refused()
    {
        var steps = Enumerable.Range(0, Transaction.MaxOperations + 1).Select(i => Put($"k{i}", "v")).ToArray();
        await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(steps));
        Assert.True((await RunAsync(steps[1..])).Succeeded);
        await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(new Operation.Put(Key("big"), new byte[Transaction.MaxBytes])));
        Assert.True((await RunAsync(new Operation.Put(Key("big"), new byte[1024 * 1024]))).Succeeded);
    }

    [Fact]
    public async Task A_key_must_not_be_empty()
    {
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Registry.RangeAsync(new KeyRange(""), default));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => RunAsync(new Operation.Put("", Bytes("1"))));
    }

    [Fact]
    public async Task Of_many_who_claim_a_key_one_gets_it()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Registry.TransactAsync(
            new([Comparison.Absent(Key("claim")), Comparison.Absent(Key("other"))], [Put("claim", $"{i}"), Put("other", $"{i}")], [Get("claim")]), default)));
        var winner = Assert.Single(results, result => result.Succeeded);
        var holder = Text((await GetAsync("claim"))!);
        Assert.All(results.Where(result => result != winner), result => Assert.Equal(holder, Text(result.Responses[0].Pairs.Single())));
    }

    [Fact]
    public async Task Concurrent_increments_by_compare_and_set_lose_nothing()
    {
        await PutAsync("n", "0");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            for (var done = 0; done < 25;)
            {
                var pair = (await GetAsync("n"))!;
                var next = int.Parse(Text(pair)) + 1;
                var result = await Registry.TransactAsync(new([Comparison.Unchanged(pair.Key, pair.ModRevision)], [Put("n", $"{next}")], []), default);
                if (result.Succeeded) done++;
            }
        }));
        Assert.Equal("100", Text((await GetAsync("n"))!));
    }

    [Fact]
    public async Task A_cancelled_request_is_not_carried_out()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Registry.TransactAsync(new([], [Put("a", "1")], []), cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Registry.RangeAsync(KeyRange.Prefix(_root), cancelled.Token));
        Assert.Null(await GetAsync("a"));
    }

    protected string Key(string name) => _root + name;

    protected string Name(KeyValue pair) => pair.Key[_root.Length..];

    protected static string Text(KeyValue pair) => Encoding.UTF8.GetString(pair.Value.Span);

    protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected Operation Put(string name, string value, long lease = 0) => new Operation.Put(Key(name), Bytes(value), lease);

    protected Operation Delete(string name) => new Operation.Delete(new KeyRange(Key(name)));

    protected Operation Get(string name) => new Operation.Get(new KeyRange(Key(name)));

    protected Task<TransactionResult> RunAsync(params Operation[] operations) => Registry.TransactAsync(new([], operations, []), default).WaitAsync(Limit);

    protected Task<TransactionResult> PutAsync(string name, string value, long lease = 0) => RunAsync(Put(name, value, lease));

    protected async Task<KeyValue?> GetAsync(string name) => (await Registry.RangeAsync(new KeyRange(Key(name)), default).WaitAsync(Limit)).Pairs.SingleOrDefault();

    private async Task<bool> HoldsAsync(Comparison comparison) => (await Registry.TransactAsync(new([comparison], [], []), default)).Succeeded;
}
