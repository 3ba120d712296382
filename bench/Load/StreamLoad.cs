using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Vni.Actors.Identity;
using Vni.Actors.Messaging;
using Vni.Cluster.Messaging;
using Vni.Interposer.Transfers;
using Vni.Node.Api;

namespace Vni.Load;

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(bool))]
internal sealed partial class StreamJson : JsonSerializerContext;

/// <summary>The stream of a migration, from memory to nowhere: the daemon's own connections, framing and digests, without CRIU and files.</summary>
internal static class StreamLoad
{
    private static readonly PeerKind<bool, bool> Kind = new("bench.stream", StreamJson.Default.Boolean, StreamJson.Default.Boolean);

    /// <summary>Reads streams until standard input ends; prints a line when it listens.</summary>
    public static async Task ReadAsync(Arguments given)
    {
        using var tls = given.Tls();
        var peers = new PeerDispatcher(given["farm"], given["node"], TimeProvider.System, NullLogger<PeerDispatcher>.Instance);
        peers.OnStream(Kind, async (_, _, content, cancel) =>
        {
            using var reader = new TransferReader(Aid.Parse("bench"), content, long.MaxValue, new Nowhere());
            await reader.ReadAsync(cancel);
            return true;
        });
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => new TcpEndpoint(IPEndPoint.Parse(given["listen"]), tls, peers).Listen(kestrel, TimeProvider.System));
        builder.Services.AddRoutingCore();
        await using var server = builder.Build();
        server.UseRouting();
        PeerRoutes.Map(server, peers);
        await server.StartAsync();
        Console.WriteLine("ready");
        await Console.In.ReadToEndAsync();
    }

    /// <summary>Sends a stream of so many bytes for each line on standard input; prints how long it took.</summary>
    public static async Task SendAsync(Arguments given)
    {
        using var tls = given.Tls();
        using var messenger = AskLoad.Messenger(given, tls);
        var block = new byte[TransferStream.BlockSize];
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var began = Stopwatch.GetTimestamp();
            await messenger.SendAsync(given["to"], Kind, true, async (stream, cancel) =>
            {
                using var writer = new TransferWriter(stream);
                await writer.BeginAsync(cancel);
                for (var left = long.Parse(line); left > 0; left -= block.Length)
                {
                    await writer.WriteAsync(TransferStream.Pages + "1.img", default, block.AsMemory(0, (int)Math.Min(left, block.Length)), cancel);
                }

                await writer.EndAsync(manifest: null, cancel);
            }, default);
            Console.WriteLine(JsonSerializer.Serialize(new Took(Stopwatch.GetElapsedTime(began).TotalMilliseconds), LoadJson.Default.Took));
        }
    }

    private sealed class Nowhere : ITransferSink
    {
        public bool Accepts(string section) => true;

        public ValueTask AddAsync(string section, long offset, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask CompleteAsync(string section, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}
