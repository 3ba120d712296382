using Vni.Actors;
using Vni.Actors.Identity;

namespace Vni.Interposer.Transfers;

/// <summary>What a frame of a transfer is; <c>docs/migration.md</c> describes the stream.</summary>
internal enum FrameKind : byte
{
    /// <summary>The next part of a section.</summary>
    Part = 1,

    /// <summary>The section is complete; the payload is its SHA-256.</summary>
    Digest = 2,

    /// <summary>The manifest, whole.</summary>
    Manifest = 3,

    /// <summary>Nothing follows.</summary>
    End = 4,
}

/// <summary>Facts of the stream that both sides must agree on.</summary>
internal static class TransferStream
{
    /// <summary>Kind, length of the name, two bytes of zero, length of the payload (32 bits), offset in the section (64 bits).</summary>
    public const int HeaderSize = 16;

    /// <summary>Greatest payload of a part: a block of a file and what goes before it.</summary>
    public const int MaximumPart = (1 << 20) + (256 << 10);

    /// <summary>Greatest manifest.</summary>
    public const int MaximumManifest = 64 << 20;

    /// <summary>How much of a file one part carries.</summary>
    public const int BlockSize = 1 << 20;

    /// <summary>Sections beside CRIU's images: <c>held</c>, and <c>layer/N</c> for pass N over the layer.</summary>
    public const string Held = "held", Layer = "layer/";

    /// <summary>What stands before the name of an image.</summary>
    public const string Images = "images/";

    /// <summary>What the names of memory images begin with.</summary>
    public const string Pages = Images + "pages-";

    /// <summary>Bytes that a stream begins with; the last is the version of the format.</summary>
    public static ReadOnlySpan<byte> Magic => "VNIMOVE\x01"u8;

    /// <summary>A plain name of an image, in its directory.</summary>
    public static bool IsImage(string name)
    {
        if (!name.StartsWith(Images, StringComparison.Ordinal) || name.Length - Images.Length is < 1 or > 128 || name[Images.Length] == '.') return false;
        foreach (var c in name.AsSpan(Images.Length))
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')) return false;
        }

        return true;
    }

    /// <summary>What arrived is not what an honest sender sends.</summary>
    public static VniException Refused(Aid aid, string how, Exception? inner = null) =>
        new(ErrorCodes.SnapshotDamaged, $"what was sent of application {aid} is refused: {how}; nothing of it was used, try again", inner);
}
