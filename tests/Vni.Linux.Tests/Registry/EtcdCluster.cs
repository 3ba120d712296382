using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Vni.Actors.Registry;
using Vni.Actors.Security;
using Vni.Cluster.Registry.Etcd;

namespace Vni.Linux.Tests.Registry;

/// <summary>Debian's etcd: one member or more, on ports of loopback, in a directory of its own.</summary>
public sealed class EtcdCluster : IAsyncDisposable
{
    private const string Name = "etcd";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vni-etcd-");
    private readonly List<Process> _members = [];
    private readonly HttpClient _http;

    private EtcdCluster(int members, TlsFiles? tls)
    {
        Tls = tls is null ? null : FarmTls.Load(tls);
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (Tls is not null) handler.SslOptions = Tls.ForClient();
        _http = new(handler);
        var scheme = tls is null ? "http" : "https";
        var ports = FreePorts(2 * members);
        Urls = [.. ports[..members].Select(port => new Uri($"{scheme}://127.0.0.1:{port}"))];
        var peers = ports[members..].Select(port => $"http://127.0.0.1:{port}").ToList();
        for (var i = 0; i < members; i++)
        {
            var start = new ProcessStartInfo(Name)
            {
                WorkingDirectory = _directory.FullName,
                ArgumentList =
                {
                    "--name", $"m{i}", "--data-dir", $"m{i}", "--logger", "zap", "--log-outputs", $"{_directory.FullName}/m{i}.log",
                    "--listen-client-urls", Text(Urls[i]), "--advertise-client-urls", Text(Urls[i]),
                    "--listen-peer-urls", peers[i], "--initial-advertise-peer-urls", peers[i],
                    "--initial-cluster", string.Join(',', peers.Select((peer, n) => $"m{n}={peer}")), "--initial-cluster-token", _directory.Name,
                },
            };
            if (tls is not null)
            {
                foreach (var argument in new[] { "--client-cert-auth", "--cert-file", tls.Certificate, "--key-file", tls.Key, "--trusted-ca-file", tls.Authority })
                    start.ArgumentList.Add(argument);
            }

            _members.Add(Process.Start(start)!);
        }
    }

    /// <summary>Why there is none; <c>null</c>: it is installed.</summary>
    public static string? Missing { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(path => File.Exists(Path.Combine(path, Name)))
        ? null
        : "etcd is not installed; 'make setup' installs Debian's";

    /// <summary>Client URLs, one per member.</summary>
    public IReadOnlyList<Uri> Urls { get; }

    /// <summary>The members' own certificate, which is also a client's.</summary>
    public FarmTls? Tls { get; }

    /// <summary>Starts the members and waits until they have a leader.</summary>
    public static async Task<EtcdCluster> StartAsync(int members = 1, TlsFiles? tls = null)
    {
        var cluster = new EtcdCluster(members, tls);
        try
        {
            foreach (var url in cluster.Urls)
            {
                await using var registry = EtcdRegistry.Open(new() { Endpoints = [url], Tls = cluster.Tls, GiveUpAfter = TimeSpan.FromSeconds(60) });
                await registry.RangeAsync(new KeyRange("/"), default);
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client of all members, patient enough for a busy machine.</summary>
    public EtcdRegistry Connect() => EtcdRegistry.Open(new() { Endpoints = Urls, Tls = Tls, RequestTimeout = TimeSpan.FromSeconds(10), GiveUpAfter = TimeSpan.FromSeconds(30) });

    /// <summary>A request that the product does not make.</summary>
    public async Task<JsonElement> PostAsync(string path, string json, int member = 0)
    {
        using var response = await _http.PostAsync(new Uri(Urls[member], path), new StringContent(json));
        response.EnsureSuccessStatusCode();
        using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return answer.RootElement.Clone();
    }

    /// <summary>Ends every lease, so that none of a former test expires during the next one.</summary>
    public async Task RevokeLeasesAsync()
    {
        await using var registry = Connect();
        var answer = await PostAsync("/v3/lease/leases", "{}");
        if (!answer.TryGetProperty("leases", out var leases)) return;
        foreach (var lease in leases.EnumerateArray()) await registry.RevokeLeaseAsync(long.Parse(lease.GetProperty("ID").GetString()!), default);
    }

    /// <summary>Index of the leading member.</summary>
    public async Task<int> LeaderAsync()
    {
        for (var i = 0; i < _members.Count; i++)
        {
            if (_members[i].HasExited) continue;
            var status = await PostAsync("/v3/maintenance/status", "{}", i);
            if (status.GetProperty("leader").GetString() == status.GetProperty("header").GetProperty("member_id").GetString()) return i;
        }

        throw new InvalidOperationException("no member leads");
    }

    /// <summary>Ends a member at once.</summary>
    public async Task KillAsync(int member)
    {
        _members[member].Kill();
        await _members[member].WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            if (!member.HasExited) member.Kill();
            await member.WaitForExitAsync();
            member.Dispose();
        }

        _http.Dispose();
        Tls?.Dispose();
        _directory.Delete(recursive: true);
    }

    private static string Text(Uri url) => url.GetLeftPart(UriPartial.Authority);

    private static List<int> FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        foreach (var listener in listeners) listener.Start();
        var ports = listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port).ToList();
        foreach (var listener in listeners) listener.Stop();
        return ports;
    }
}
