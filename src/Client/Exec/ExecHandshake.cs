using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Vni.Client.Transport;

namespace Vni.Client.Exec;

/// <summary>
/// Opens the WebSocket of a visitor (RFC 6455, section 4.1). Done here and not by <see cref="ClientWebSocket"/>, because that
/// one drops the body of a refusal, which is where the daemon says what was wrong.
/// </summary>
internal static class ExecHandshake
{
    /// <summary>The sub-protocol of the frames.</summary>
    public const string Protocol = "vni.exec.v1";

    /// <summary>Returns the socket when the daemon has started the program.</summary>
    public static async Task<WebSocket> OpenAsync(DaemonTransport transport, string path, CancellationToken cancellationToken)
    {
        // A nonce that need not be secret: it only proves that the answer belongs to this request.
        var key = Convert.ToBase64String(Guid.NewGuid().ToByteArray());
        var request = new HttpRequestMessage(HttpMethod.Get, DaemonTransport.UriOf(path));
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.Add(new("websocket"));
        request.Headers.Add("Sec-WebSocket-Version", "13");
        request.Headers.Add("Sec-WebSocket-Key", key);
        request.Headers.Add("Sec-WebSocket-Protocol", Protocol);

        var response = await transport.SendAsync(request, cancellationToken);
        try
        {
            if (response.StatusCode != HttpStatusCode.SwitchingProtocols || Header(response, "Sec-WebSocket-Accept") != AcceptOf(key)
                || Header(response, "Sec-WebSocket-Protocol") != Protocol)
            {
                throw DaemonFailures.Unreadable(transport.SocketPath);
            }

            var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            return WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { SubProtocol = Protocol });
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    // RFC 6455, section 1.3, names the digest and the constant.
#pragma warning disable CA5350
    private static string AcceptOf(string key) =>
        Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
}
