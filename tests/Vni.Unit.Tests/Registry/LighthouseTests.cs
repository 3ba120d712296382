using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Vni.Actors.Registry;
using Vni.Actors.Security;
using Vni.Cluster.Registry.Etcd;
using Xunit;

namespace Vni.Unit.Tests.Registry;

public sealed class LighthouseTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false, Expect100ContinueTimeout = Limit });

    [Fact]
    public async Task A_watch_survives_a_restart_without_a_gap_or_a_repeat()
    {
        await using var lighthouse = await LighthouseInProcess.StartAsync();
        await using var registry = lighthouse.Connect();
        var first = await PutAsync(registry, "/a", "1");
        await using var watch = registry.WatchAsync(KeyRange.Prefix("/"), first.Revision, default).GetAsyncEnumerator();
        Assert.Equal(first.Revision, await NextAsync(watch));
        await PutAsync(registry, "/a", "2");
        Assert.Equal(first.Revision + 1, await NextAsync(watch));

        var waiting = watch.MoveNextAsync().AsTask();
        await lighthouse.StopAsync();
        await lighthouse.StartAgainAsync();
        await PutAsync(lighthouse.Store, "/a", "3");
        await PutAsync(lighthouse.Store, "/a", "4");
        Assert.True(await waiting.WaitAsync(Limit));
        Assert.Equal(first.Revision + 2, watch.Current.Revision);
        Assert.Equal(first.Revision + 3, await NextAsync(watch));
    }

    [Fact]
    public async Task A_watch_that_was_cut_off_too_long_says_so()
    {
        await using var lighthouse = await LighthouseInProcess.StartAsync(kept: 5);
        await using var registry = lighthouse.Connect();
        var first = await PutAsync(registry, "/a", "1");
        for (var i = 0; i < 20; i++) await PutAsync(registry, "/a", "2");
        await using var watch = registry.WatchAsync(KeyRange.Prefix("/"), first.Revision, default).GetAsyncEnumerator();
        var error = await Assert.ThrowsAsync<CompactedException>(() => watch.MoveNextAsync().AsTask().WaitAsync(Limit));
        Assert.InRange(error.OldestRevision, first.Revision + 1, first.Revision + 20);
        await using var again = registry.WatchAsync(KeyRange.Prefix("/"), error.OldestRevision, default).GetAsyncEnumerator();
        Assert.Equal(error.OldestRevision, await NextAsync(again));
    }

    [Fact]
    public async Task Leases_begin_anew_after_a_restart()
    {
        await using var lighthouse = await LighthouseInProcess.StartAsync();
        await using var registry = lighthouse.Connect();
        var lease = await registry.GrantLeaseAsync(TimeSpan.FromSeconds(10), default);
        await PutAsync(registry, "/a", "1", lease.Id);
        await lighthouse.StopAsync();
        lighthouse.Time.Advance(TimeSpan.FromMinutes(10));
        await lighthouse.StartAgainAsync();
        Assert.Equal(TimeSpan.FromSeconds(10), (await registry.GetLeaseAsync(lease.Id, default))!.Remaining);
        lighthouse.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Single((await registry.RangeAsync(new("/a"), default)).Pairs);
        lighthouse.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty((await registry.RangeAsync(new("/a"), default)).Pairs);
    }

    [Fact]
    public async Task An_endpoint_at_which_nobody_listens_is_left_for_the_next_one_and_remembered()
    {
        await using var lighthouse = await LighthouseInProcess.StartAsync();
        await using var registry = lighthouse.Connect(null, LighthouseInProcess.Nobody(), LighthouseInProcess.Nobody());
        // A write: it certainly was not sent to those who do not listen.
        await PutAsync(registry, "/a", "1");
        Assert.Equal(lighthouse.Url.GetLeftPart(UriPartial.Authority), (await registry.GetStatusAsync(default)).Endpoint);
    }

    [Fact]
    public async Task An_endpoint_that_can_be_reached_but_takes_no_connection_is_left_for_the_next_one()
    {
        // A listener's queue is full with two: the kernel answers no further one.
        using var full = new Socket(SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        Socket[] waiting = [.. Enumerable.Range(0, 4).Select(_ => new Socket(SocketType.Stream, ProtocolType.Tcp))];
        try
        {
            foreach (var socket in waiting) _ = socket.ConnectAsync(full.LocalEndPoint!).ContinueWith(static connected => connected.Exception, TaskScheduler.Default);
            await using var lighthouse = await LighthouseInProcess.StartAsync();
            for (var attempt = 0; attempt < 5; attempt++) // Two limits run out at the same time; which is noticed first is chance.
            {
                await using var registry = EtcdRegistry.Open(new() { Endpoints = [new Uri($"http://{full.LocalEndPoint}"), lighthouse.Url], RequestTimeout = TimeSpan.FromMilliseconds(400) });
                await PutAsync(registry, "/a", "1");
            }
        }
        finally
        {
            foreach (var socket in waiting) socket.Dispose();
        }
    }

    [Fact]
    public async Task A_watch_goes_on_at_the_next_endpoint()
    {
        await using var one = await LighthouseInProcess.StartAsync();
        await using var two = await LighthouseInProcess.StartAsync();
        // Two stores with the same first revisions stand in for two members of one cluster.
        foreach (var store in new[] { one.Store, two.Store }) await PutAsync(store, "/a", "1");
        await using var registry = one.Connect(null);
        await using var both = EtcdRegistry.Open(new() { Endpoints = [one.Url, two.Url] });
        await using var watch = both.WatchAsync(KeyRange.Prefix("/"), 2, default).GetAsyncEnumerator();
        Assert.Equal(2, await NextAsync(watch));
        var next = watch.MoveNextAsync().AsTask();
        await PutAsync(two.Store, "/a", "2");
        await one.StopAsync();
        Assert.True(await next.WaitAsync(Limit));
        Assert.Equal(3, watch.Current.Revision);
    }

    [Fact]
    public async Task Nobody_there_is_said_in_one_sentence_that_names_the_endpoints()
    {
        var nobody = LighthouseInProcess.Nobody();
        await using var registry = EtcdRegistry.Open(new() { Endpoints = [nobody], GiveUpAfter = TimeSpan.FromMilliseconds(1) });
        var error = await Assert.ThrowsAsync<RegistryUnavailableException>(() => registry.RangeAsync(new("/a"), default));
        Assert.Contains(nobody.GetLeftPart(UriPartial.Authority), error.Message);
        Assert.DoesNotContain("may have been carried out", error.Message);
    }

    [Fact]
    public async Task A_transaction_whose_answer_was_lost_is_not_repeated_and_a_read_is()
    {
        await using var lighthouse = await LighthouseInProcess.StartAsync();
        await using var hole = new DeafServer();
        await using var registry = EtcdRegistry.Open(new() { Endpoints = [hole.Url, lighthouse.Url], RequestTimeout = TimeSpan.FromMilliseconds(300) });
        var error = await Assert.ThrowsAsync<RegistryUnavailableException>(() => PutAsync(registry, "/a", "1"));
        Assert.Contains("may have been carried out", error.Message);
        Assert.Empty((await lighthouse.Store.RangeAsync(new("/a"), default)).Pairs);

        await using var reading = EtcdRegistry.Open(new() { Endpoints = [hole.Url, lighthouse.Url], RequestTimeout = TimeSpan.FromMilliseconds(300) });
        Assert.Empty((await reading.RangeAsync(new("/a"), default)).Pairs);
        await PutAsync(reading, "/a", "1"); // The one that was left is remembered.
    }

    [Fact]
    public async Task A_silent_watch_notices_that_its_endpoint_hangs()
    {
        await using var lighthouse = await LighthouseInProcess.StartAsync();
        await PutAsync(lighthouse.Store, "/a", "1");
        await using var hole = new DeafServer("{\"result\":{\"header\":{},\"created\":true}}\n");
        await using var registry = EtcdRegistry.Open(new()
        {
            Endpoints = [hole.Url, lighthouse.Url],
            RequestTimeout = TimeSpan.FromMilliseconds(300),
            WatchCheck = TimeSpan.FromMilliseconds(100),
        });
        await using var watch = registry.WatchAsync(KeyRange.Prefix("/"), 2, default).GetAsyncEnumerator();
        Assert.Equal(2, await NextAsync(watch));
    }

    [Fact]
    public async Task The_status_tells_version_revision_and_size()
    {
        await using var lighthouse = await LighthouseInProcess.StartAsync();
        await using var registry = lighthouse.Connect();
        var put = await PutAsync(registry, "/a", "1");
        var status = await registry.GetStatusAsync(default);
        Assert.StartsWith("lighthouse ", status.Version);
        Assert.Equal((put.Revision, null), (status.Revision, status.Leader));
        Assert.InRange(status.Size, 1, 1 << 30);
        Assert.StartsWith("sqlite 3.", (await lighthouse.Store.GetStatusAsync(default)).Version);
        Assert.Equal("""{"health":"true"}""", await Http.GetStringAsync(new Uri(lighthouse.Url, "/health")));
        Assert.Contains("\"lighthouse\":", await Http.GetStringAsync(new Uri(lighthouse.Url, "/version")));
    }

    [Fact]
    public async Task A_client_of_another_farm_and_one_without_a_certificate_are_refused()
    {
        using var farm = new TestFarm();
        using var elsewhere = new TestFarm();
        await using var lighthouse = await LighthouseInProcess.StartAsync(farm.Member("lighthouse", PeerRole.Registry));
        foreach (var tls in new[] { elsewhere.Member("node-1", PeerRole.Node) })
        {
            await using var stranger = EtcdRegistry.Open(new() { Endpoints = [lighthouse.Url], Tls = tls, GiveUpAfter = TimeSpan.FromMilliseconds(1) });
            await Assert.ThrowsAsync<RegistryUnavailableException>(() => PutAsync(stranger, "/a", "1"));
        }

        using var handler = new SocketsHttpHandler { UseProxy = false, SslOptions = farm.Member("node-1", PeerRole.Node).ForClient() };
        handler.SslOptions.ClientCertificateContext = null;
        using var bare = new HttpClient(handler);
        await Assert.ThrowsAsync<HttpRequestException>(() => bare.GetAsync(new Uri(lighthouse.Url, "/health")));
        Assert.Empty((await lighthouse.Store.RangeAsync(new("/a"), default)).Pairs);
    }

    [Fact]
    public async Task A_server_of_another_farm_is_refused_before_anything_is_sent()
    {
        using var farm = new TestFarm();
        using var elsewhere = new TestFarm();
        await using var lighthouse = await LighthouseInProcess.StartAsync(elsewhere.Member("lighthouse", PeerRole.Registry));
        await using var registry = EtcdRegistry.Open(new() { Endpoints = [lighthouse.Url], Tls = farm.Member("node-1", PeerRole.Node), GiveUpAfter = TimeSpan.FromMilliseconds(1) });
        var error = await Assert.ThrowsAsync<RegistryUnavailableException>(() => PutAsync(registry, "/a", "1"));
        Assert.DoesNotContain("may have been carried out", error.Message);
    }

    [Fact]
    public async Task An_operator_may_look_but_not_change()
    {
        using var farm = new TestFarm();
        await using var lighthouse = await LighthouseInProcess.StartAsync(farm.Member("lighthouse", PeerRole.Registry));
        await using var registry = lighthouse.Connect(farm.Member("alice", PeerRole.Operator));
        Assert.Empty((await registry.RangeAsync(new("/a"), default)).Pairs);
        var error = await Assert.ThrowsAsync<RegistryUnavailableException>(() => PutAsync(registry, "/a", "1"));
        Assert.Contains("permission denied", error.Message);
        await Assert.ThrowsAsync<RegistryUnavailableException>(() => registry.GrantLeaseAsync(TimeSpan.FromSeconds(9), default));
    }

    [Theory]
    [InlineData("POST", "/v3/kv/range", "", 400)]
    [InlineData("POST", "/v3/kv/range", "{", 400)]
    [InlineData("POST", "/v3/kv/range", "null", 400)]
    [InlineData("POST", "/v3/kv/range", "[]", 400)]
    [InlineData("POST", "/v3/kv/range", "{}", 400)]
    [InlineData("POST", "/v3/kv/range", """{"key":"***"}""", 400)]
    [InlineData("POST", "/v3/kv/range", """{"key":"/w=="}""", 400)]
    [InlineData("POST", "/v3/kv/range", """{"key":"YQ==","revision":"3"}""", 400)]
    [InlineData("POST", "/v3/kv/range", """{"key":"YQ==","limit":"-1"}""", 400)]
    [InlineData("POST", "/v3/kv/range", """{"key":"YQ==","limit":"99999999999999999999"}""", 400)]
    [InlineData("POST", "/v3/kv/range", """{"key":"YQ==","range_end":"AA=="}""", 400)]
    [InlineData("POST", "/v3/kv/range", """{"key":"YQ=="}{"key":"YQ=="}""", 400)]
    [InlineData("POST", "/v3/kv/txn", """{"success":[null]}""", 400)]
    [InlineData("POST", "/v3/kv/txn", """{"success":[{}]}""", 400)]
    [InlineData("POST", "/v3/kv/txn", """{"success":[{"request_txn":{}}]}""", 400)]
    [InlineData("POST", "/v3/kv/txn", """{"success":[{"request_put":{"key":"YQ=="},"request_range":{"key":"YQ=="}}]}""", 400)]
    [InlineData("POST", "/v3/kv/txn", """{"compare":[{"key":"YQ==","target":"9"}]}""", 400)]
    [InlineData("POST", "/v3/kv/txn", """{"compare":[{"key":"YQ==","target":99}]}""", 400)]
    [InlineData("POST", "/v3/kv/txn", """{"success":[{"request_put":{"key":"YQ=="}},{"request_put":{"key":"YQ=="}}]}""", 400)]
    [InlineData("POST", "/v3/kv/put", """{"key":"YQ==","lease":"77"}""", 404)]
    [InlineData("POST", "/v3/lease/grant", """{"TTL":"0"}""", 400)]
    [InlineData("POST", "/v3/lease/grant", """{"TTL":"9223372036854775807"}""", 400)]
    [InlineData("POST", "/v3/lease/revoke", """{"ID":"77"}""", 404)]
    [InlineData("POST", "/v3/kv/lease/revoke", """{"ID":"77"}""", 404)]
    [InlineData("POST", "/v3/watch", "{}", 400)]
    [InlineData("POST", "/v3/watch", """{"create_request":{"key":"YQ==","start_revision":"-1"}}""", 400)]
    [InlineData("POST", "/v3/watch", """{"create_request":{"key":"YQ==","filters":["NOPUT"]}}""", 400)]
    [InlineData("POST", "/v3/auth/enable", "{}", 404)]
    [InlineData("POST", "/v3/kv/../kv/nothing", "{}", 404)]
    [InlineData("GET", "/v3/kv/range", "", 405)]
    [InlineData("POST", "/version", "{}", 405)]
    [InlineData("GET", "/", "", 404)]
    public async Task What_cannot_be_answered_is_refused_in_etcds_form(string method, string path, string body, int status)
    {
        await using var lighthouse = await LighthouseInProcess.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(lighthouse.Url, path));
        if (method == "POST") request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await Http.SendAsync(request);
        Assert.Equal((HttpStatusCode)status, response.StatusCode);
        using var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal(["error", "message", "code"], error.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.NotEqual(0, error.RootElement.GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task A_body_or_a_key_that_is_too_large_is_refused_and_the_server_goes_on()
    {
        await using var lighthouse = await LighthouseInProcess.StartAsync();
        // The refusal comes before the body is sent; else the connection may be closed under the client's hands.
        using var large = new HttpRequestMessage(HttpMethod.Post, new Uri(lighthouse.Url, "/v3/kv/put")) { Content = new ByteArrayContent(new byte[5 * 1024 * 1024]) };
        large.Headers.ExpectContinue = true;
        using var response = await Http.SendAsync(large);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        await using var registry = lighthouse.Connect();
        await Assert.ThrowsAsync<ArgumentException>(() => PutAsync(registry, "/" + new string('k', 5000), "1"));
        await PutAsync(registry, "/a", "1");
    }

    [Fact]
    public async Task Any_bytes_at_all_are_answered_and_the_server_goes_on()
    {
        await using var lighthouse = await LighthouseInProcess.StartAsync();
        var random = new Random(20260301);
        string[] paths = ["/v3/kv/range", "/v3/kv/txn", "/v3/kv/put", "/v3/kv/deleterange", "/v3/lease/grant", "/v3/lease/keepalive", "/v3/lease/timetolive", "/v3/watch", "/v3/maintenance/status"];
        var seeds = new[]
        {
            """{"key":"YQ==","range_end":"Yg==","limit":"3","keys_only":true}""",
            """{"compare":[{"key":"YQ==","target":"MOD","result":"LESS","mod_revision":"7"}],"success":[{"request_put":{"key":"YQ==","value":"MQ=="}}],"failure":[{"request_delete_range":{"key":"YQ=="}}]}""",
            """{"TTL":"7","ID":"3"}""",
            """{"create_request":{"key":"YQ==","start_revision":"x"}}""",
        }.Select(Encoding.UTF8.GetBytes).ToArray();
        for (var i = 0; i < 400; i++)
        {
            var body = seeds[random.Next(seeds.Length)].ToArray();
            for (var n = random.Next(1, 6); n > 0; n--) body[random.Next(body.Length)] = (byte)random.Next(256);
            var path = paths[random.Next(paths.Length)];
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(lighthouse.Url, path)) { Content = new ByteArrayContent(body) };
            using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.True((int)response.StatusCode < 500, $"{path} {Encoding.Latin1.GetString(body)}: {response.StatusCode}");
        }

        await using var registry = lighthouse.Connect();
        await PutAsync(registry, "/a", "1");
    }

    [Fact]
    public async Task One_watch_too_many_is_refused_until_another_ends()
    {
        await using var lighthouse = await LighthouseInProcess.StartAsync(limits: new() { Watches = 1 });
        var first = await WatchAsync();
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        using (var second = await WatchAsync()) Assert.Equal(HttpStatusCode.TooManyRequests, second.StatusCode);
        first.Dispose();
        using var limit = new CancellationTokenSource(Limit);
        while ((await WatchAsync()).StatusCode != HttpStatusCode.OK) limit.Token.ThrowIfCancellationRequested();

        Task<HttpResponseMessage> WatchAsync() => Http.SendAsync(
            new(HttpMethod.Post, new Uri(lighthouse.Url, "/v3/watch")) { Content = new StringContent("""{"create_request":{"key":"YQ=="}}""") },
            HttpCompletionOption.ResponseHeadersRead);
    }

    [Theory]
    [InlineData("ftp://127.0.0.1:1")]
    [InlineData("http://127.0.0.1:1/path")]
    [InlineData("https://127.0.0.1:1")]
    public void An_endpoint_that_cannot_be_used_is_refused_at_once(string endpoint) =>
        Assert.Contains(endpoint, Assert.Throws<ArgumentException>(() => EtcdRegistry.Open(new() { Endpoints = [new(endpoint)] })).Message);

    private static Task<TransactionResult> PutAsync(IRegistry registry, string key, string value, long lease = 0) =>
        TemporaryStore.PutAsync(registry, key, value, lease).WaitAsync(Limit);

    private static async Task<long> NextAsync(IAsyncEnumerator<WatchBatch> watch)
    {
        Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(Limit), "the watch has ended");
        return watch.Current.Revision;
    }
}
