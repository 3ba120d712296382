using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Vni.EndToEnd.Tests.Farms;

/// <summary>Somebody on the switch who speaks the nodes' protocol (<c>docs/messaging.md</c>), with whatever certificate it got hold of.</summary>
internal sealed class ClientsHostilePeer : IDisposable
{
    private readonly FarmUp _farm;
    private readonly HttpClient _http;

    /// <param name="farm">The farm.</param>
    /// <param name="directory">Where its certificate is; <c>null</c>: it has none.</param>
    /// <param name="name">The certificate's name there, and what it calls itself.</param>
    public ClientsHostilePeer(FarmUp farm, string? directory, string name)
    {
        (_farm, Name) = (farm, name);
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancel) => new NetworkStream(await farm.Client.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port), ownsSocket: true),
        };
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile($"{farm.Certificates}/ca.crt") },
            RevocationMode = X509RevocationMode.NoCheck,
        };
        if (directory is not null)
        {
            using var pem = X509Certificate2.CreateFromPemFile($"{directory}/{name}.crt", $"{directory}/{name}.key");
            handler.SslOptions.ClientCertificates = [X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pfx), null)];
        }

        _http = new HttpClient(handler) { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
    }

    public string Name { get; }

    /// <summary>An envelope for a node, as an honest member would write it.</summary>
    public JsonObject Envelope(string to, string kind, JsonNode? body) => new()
    {
        ["format"] = 1,
        ["id"] = Guid.NewGuid().ToString("N"),
        ["farm"] = _farm.Name,
        ["from"] = Name,
        ["to"] = _farm.IdentityOf(to),
        ["kind"] = kind,
        ["sent"] = TimeProvider.System.GetUtcNow().ToString("O"),
        ["body"] = body,
    };

    /// <summary>Asks a node; its answer, or what stood in the way of one.</summary>
    public Task<string> AskAsync(string node, JsonNode envelope) =>
        PostAsync(node, "asks", new StringContent(envelope.ToJsonString(), Encoding.UTF8, "application/json"));

    /// <summary>Sends a stream to a node; its answer, or what stood in the way of one.</summary>
    public Task<string> StreamAsync(string node, JsonNode envelope, Stream content)
    {
        var header = Encoding.UTF8.GetBytes(envelope.ToJsonString());
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, header.Length);
        var body = new StreamContent(new Concatenated(new MemoryStream([.. length, .. header]), content));
        body.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return PostAsync(node, "streams", body);
    }

    /// <summary>Gets something of the API of a node.</summary>
    public Task<string> GetAsync(string node, string path) => SendAsync(() => _http.GetAsync(new Uri($"https://{_farm.AddressOf(node)}:7117{path}")));

    /// <summary>The body of an envelope that says "get ready for this application": it fits the node, and nobody has ever heard of it.</summary>
    public async Task<JsonObject> PrepareAsync(string handOff, string aid, string target)
    {
        var member = (await _farm.VniJsonAsync("n1", "registry", "get", $"members/{_farm.IdentityOf(target)}")).EnumerateArray().Single();
        return new JsonObject
        {
            ["handOff"] = new JsonObject { ["id"] = handOff, ["source"] = Name, ["target"] = _farm.IdentityOf(target), ["epoch"] = 1, ["returned"] = false },
            ["instance"] = new JsonObject
            {
                ["aid"] = aid,
                ["identity"] = new JsonObject { ["ip"] = "10.117.200.200", ["prefixLength"] = 16, ["mac"] = "02:00:0a:75:c8:c8", ["hostname"] = aid },
                ["declaration"] = new JsonObject
                {
                    ["name"] = aid,
                    ["root"] = "/",
                    ["limits"] = new JsonObject(),
                    ["processes"] = new JsonArray(new JsonObject { ["name"] = "main", ["command"] = new JsonArray("/bin/true"), ["env"] = new JsonObject(), ["user"] = "root", ["workdir"] = "/" }),
                },
                ["epoch"] = 1,
            },
            ["facts"] = new JsonObject { ["platform"] = JsonNode.Parse(member.Value())!["platform"]!.DeepClone(), ["memory"] = 1 << 20, ["layer"] = 1 << 20, ["files"] = new JsonArray(), ["blockers"] = new JsonArray() },
        };
    }

    public void Dispose() => _http.Dispose();

    private Task<string> PostAsync(string node, string path, HttpContent content) =>
        SendAsync(() => _http.PostAsync(new Uri($"https://{_farm.AddressOf(node)}:7117/v1/peer/{path}"), content));

    private static async Task<string> SendAsync(Func<Task<HttpResponseMessage>> send)
    {
        try
        {
            using var response = await send();
            return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
        }
        catch (HttpRequestException e)
        {
            return $"no answer: {e.HttpRequestError}";
        }
    }

    /// <summary>One stream after the other.</summary>
    private sealed class Concatenated(Stream first, Stream second) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => first.Read(buffer, offset, count) is > 0 and var read ? read : second.Read(buffer, offset, count);

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

/// <summary>Pairs of the registry as <c>vni registry get</c> shows them.</summary>
internal static class Pairs
{
    public static string Value(this JsonElement pair) => pair.GetProperty("value").GetString()!;
}
