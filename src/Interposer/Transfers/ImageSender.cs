using Microsoft.Win32.SafeHandles;
using Vni.Interposer.Linux;

namespace Vni.Interposer.Transfers;

/// <summary>
/// Sends CRIU's images out of a memory file system. Memory images, by far the largest, are sent while CRIU writes them, and
/// their memory is given back behind the reader: CRIU fills <c>pages-*.img</c> strictly from front to end, so an instance
/// that is moved need not fit into memory twice. All others are sent when they are complete.
/// </summary>
internal sealed class ImageSender : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(1);
    private readonly string _images;
    private readonly TransferWriter _writer;
    private readonly Dictionary<string, Follower> _followers = new(StringComparer.Ordinal);
    private readonly byte[] _block = GC.AllocateUninitializedArray<byte>(TransferStream.BlockSize);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _following;

    private ImageSender(string images, TransferWriter writer, TimeProvider clock)
    {
        (_images, _writer) = (images, writer);
        _following = Task.Run(() => FollowAsync(clock));
    }

    /// <summary>Begins to send what CRIU is about to write into a directory.</summary>
    public static ImageSender Start(string images, TransferWriter writer, TimeProvider clock) => new(images, writer, clock);

    /// <summary>Sends the rest; to be called when all images are complete.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _following.ConfigureAwait(false);
        foreach (var path in Directory.EnumerateFiles(_images).Order(StringComparer.Ordinal))
        {
            while (await AdvanceAsync(path, cancellationToken).ConfigureAwait(false))
            {
            }

            if (_followers.Remove(path, out var done)) done.File.Dispose();
        }
    }

    /// <summary>Stops following.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            await _following.ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Whoever awaits the end of sending has it too, or has found something worse.
        }

        foreach (var follower in _followers.Values) follower.File.Dispose();
        _stop.Dispose();
    }

    private async Task FollowAsync(TimeProvider clock)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Interval, clock, _stop.Token).ConfigureAwait(false);
                foreach (var path in Directory.EnumerateFiles(_images, "pages-*.img"))
                {
                    while (await AdvanceAsync(path, CancellationToken.None).ConfigureAwait(false)) _stop.Token.ThrowIfCancellationRequested();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The rest is sent by whoever finishes, if anyone does.
        }
    }

    /// <summary>Sends at most one block more; <c>false</c>: there is no more for now.</summary>
    private async Task<bool> AdvanceAsync(string path, CancellationToken cancellationToken)
    {
        if (!_followers.TryGetValue(path, out var follower))
        {
            follower = new Follower(File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete));
            _followers.Add(path, follower);
        }

        var read = RandomAccess.Read(follower.File, _block, follower.Sent);
        var name = TransferStream.Images + Path.GetFileName(path);
        if (read == 0)
        {
            if (follower.Sent == 0 && _stop.IsCancellationRequested) await _writer.WriteAsync(name, default, default, cancellationToken).ConfigureAwait(false); // An empty image is one too.
            return false;
        }

        await _writer.WriteAsync(name, default, _block.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
        Libc.PunchHole(follower.File, follower.Sent, read, path);
        follower.Sent += read;
        return true;
    }

    private sealed class Follower(SafeFileHandle file)
    {
        public SafeFileHandle File { get; } = file;

        public long Sent { get; set; }
    }
}
