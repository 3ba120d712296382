using System.Text;
using Vni.Actors;
using Vni.Actors.Identity;

namespace Vni.Cli.Declarations;

/// <summary>Reads files that a user names: UTF-8 of limited size.</summary>
internal static class TextFile
{
    /// <summary>The whole text, without a byte order mark.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="what">What it is to be, for messages: <c>declaration</c>.</param>
    /// <param name="limit">Most bytes.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: it cannot be read.</exception>
    public static string Read(string path, string what, int limit)
    {
        try
        {
            using var file = File.OpenRead(path);
            return Read(file, path, what, limit);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Unreadable(path, what, "no such file");
        }
        catch (UnauthorizedAccessException)
        {
            throw Unreadable(path, what, Directory.Exists(path) ? "it is a directory" : "permission denied");
        }
        catch (Exception e) when (e is IOException or ArgumentException and not DecoderFallbackException)
        {
            throw Unreadable(path, what, e.Message);
        }
    }

    /// <summary>The same of a stream; <paramref name="name"/> stands in messages.</summary>
    public static string Read(Stream stream, string name, string what, int limit)
    {
        try
        {
            // Read up to a limit, not by length: a device or a pipe has none.
            var buffer = new byte[limit + 1];
            var length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (length > limit) throw Unreadable(name, what, $"it is larger than {(limit >= 1 << 20 ? $"{limit >> 20} MiB" : $"{limit >> 10} KiB")}");
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(buffer, 0, length).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            throw Unreadable(name, what, "it is not UTF-8 text");
        }
    }

    private static VniException Unreadable(string path, string what, string why) => new(ErrorCodes.InvalidArgument, $"{what} {DnsLabel.Quote(path)} cannot be read: {why}");
}
