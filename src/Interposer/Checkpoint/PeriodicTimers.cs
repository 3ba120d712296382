using System.Buffers.Binary;

namespace Vni.Interposer.Checkpoint;

/// <summary>
/// Mends what CRIU 4.2 saves of a periodic timer (timerfd_create(2)) that expired while its process was frozen: the kernel
/// then shows no time left (<c>timerfd_show</c> in <c>fs/timerfd.c</c>), which, written back at the restore, would disarm
/// the timer for good. An expiry that nobody has read yet tells such a timer from one that really is disarmed, because
/// disarming forgets expiries. One nanosecond left lets it go on at once.
/// </summary>
internal static class PeriodicTimers
{
    private const string Image = "files.img";

    /// <summary>Two magic numbers stand before the entries; each entry is a 32-bit length and a message (CRIU's
    /// <c>images/fdinfo.proto</c>).</summary>
    private const int HeaderSize = 8;

    /// <summary>Number of <c>tfd</c> in <c>file_entry</c>.</summary>
    private const int TimerField = 12;

    /// <summary>Numbers of the fields of <c>timerfd_entry</c>; all of them are required, so that zeros are there too.</summary>
    private const int Ticks = 5, Seconds = 7, Nanoseconds = 8, IntervalSeconds = 9, IntervalNanoseconds = 10;

    /// <summary>Mends the images of a dump that has just succeeded; no file changes its size.</summary>
    public static void Rearm(string imagesDirectory)
    {
        var path = Path.Combine(imagesDirectory, Image);
        var image = File.ReadAllBytes(path);
        if (Rearm(image) > 0) File.WriteAllBytes(path, image);
    }

    /// <summary>Mends an image in place; how many timers were changed.</summary>
    internal static int Rearm(Span<byte> image)
    {
        var rearmed = 0;
        for (var rest = image[HeaderSize..]; rest.Length > 0;)
        {
            var size = BinaryPrimitives.ReadInt32LittleEndian(rest);
            var fields = new ProtobufFields(rest.Slice(sizeof(int), size));
            while (fields.Next())
            {
                if (fields.Number == TimerField && RearmTimer(fields.Bytes)) rearmed++;
            }

            rest = rest[(sizeof(int) + size)..];
        }

        return rearmed;
    }

    private static bool RearmTimer(Span<byte> timer)
    {
        ulong ticks = 0, left = 0, interval = 0;
        Span<byte> nanoseconds = default;
        var fields = new ProtobufFields(timer);
        while (fields.Next())
        {
            switch (fields.Number)
            {
                case Ticks:
                    ticks = fields.Value;
                    break;
                case Nanoseconds:
                    nanoseconds = fields.Bytes;
                    left |= fields.Value;
                    break;
                case Seconds:
                    left |= fields.Value;
                    break;
                case IntervalSeconds or IntervalNanoseconds:
                    interval |= fields.Value;
                    break;
            }
        }

        if (ticks == 0 || left != 0 || interval == 0 || nanoseconds.Length != 1) return false;
        nanoseconds[0] = 1;
        return true;
    }

    /// <summary>The fields of a message, one after the other (protobuf.dev/programming-guides/encoding).</summary>
    private ref struct ProtobufFields(Span<byte> message)
    {
        private Span<byte> _rest = message;

        /// <summary>The field's number.</summary>
        public int Number { get; private set; }

        /// <summary>Its value, if it is a number of variable length.</summary>
        public ulong Value { get; private set; }

        /// <summary>Its content; of a number of variable length: how it is written.</summary>
        public Span<byte> Bytes { get; private set; }

        public bool Next()
        {
            if (_rest.IsEmpty) return false;
            var key = ReadNumber();
            Number = (int)(key >> 3);
            Value = 0;
            var start = _rest;
            switch (key & 7)
            {
                case 0:
                    Value = ReadNumber();
                    Bytes = start[..^_rest.Length];
                    break;
                case 1:
                    Take(8);
                    break;
                case 2:
                    Take((int)ReadNumber());
                    break;
                case 5:
                    Take(4);
                    break;
                default:
                    throw new InvalidDataException($"{Image} holds a field of unknown kind {key & 7}");
            }

            return true;
        }

        private void Take(int size)
        {
            Bytes = _rest[..size];
            _rest = _rest[size..];
        }

        private ulong ReadNumber()
        {
            var value = 0UL;
            for (var shift = 0; ; shift += 7)
            {
                var next = _rest[0];
                _rest = _rest[1..];
                value |= (ulong)(next & 0x7f) << shift;
                if (next < 0x80) return value;
            }
        }
    }
}
