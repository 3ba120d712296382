using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Vni.Actors.Messages;

namespace Vni.Unit.Tests.Client;

/// <summary>A real HTTP server on a unix socket of its own, with answers that the test gives.</summary>
internal sealed class FakeDaemon : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vni-fake-");
    private readonly ConcurrentDictionary<string, RequestDelegate> _answers = new();
    private readonly WebApplication _server;

    private FakeDaemon()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(SocketPath));
        builder.Services.AddRouting();
        builder.Logging.ClearProviders();
        _server = builder.Build();
        _server.UseWebSockets();
        _server.Run(AnswerAsync);
    }

    public string SocketPath => Path.Combine(_directory.FullName, "vnid.sock");

    /// <summary>Method, path and query of every request, in order, with the body where there is one.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public static async Task<FakeDaemon> StartAsync()
    {
        var daemon = new FakeDaemon();
        await daemon._server.StartAsync();
        return daemon;
    }

    /// <summary>Answers a method and path, as in <c>GET /v1/version</c>.</summary>
    public void On(string methodAndPath, RequestDelegate answer) => _answers[methodAndPath] = answer;

    public void On<T>(string methodAndPath, T answer, JsonTypeInfo<T> type, int status = 200) => On(methodAndPath, context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(answer, type)).AsTask();
    });

    public void Refuse(string methodAndPath, int status, string code, string message) =>
        On(methodAndPath, new ErrorView(new ErrorBody(code, message)), VniJson.Default.ErrorView, status);

    public void OnText(string methodAndPath, string text) => On(methodAndPath, context => context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask());

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _server.StopAsync(now.Token);
        await _server.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        var body = "";
        if (request.ContentLength > 0)
        {
            using var reader = new StreamReader(request.Body);
            body = " " + await reader.ReadToEndAsync();
        }

        Requests.Enqueue($"{request.Method} {request.Path}{request.QueryString}{body}");
        if (_answers.TryGetValue($"{request.Method} {request.Path}", out var answer)) await answer(context);
        else context.Response.StatusCode = 599;
    }
}
