using Vni.Actors.Identity;

namespace Vni.Actors.Messaging;

/// <summary>
/// Does each command once: a repeated one (same sender, same id) waits for the first while that is under way, and gets its
/// answer afterwards, as long as that is remembered. What threw instead of answering is forgotten, and done anew.
/// </summary>
/// <param name="time">Time.</param>
/// <param name="sizeOf">Bytes that an answer takes.</param>
public sealed class RecentCommands<TAnswer>(TimeProvider time, Func<TAnswer, long> sizeOf)
{
    /// <summary>Most commands that are under way at a time, and most answers that are remembered; the oldest is forgotten first.</summary>
    public const int MaximumCount = 10_000;

    /// <summary>Most bytes of answers that are remembered.</summary>
    public const long MaximumSize = 64L << 20;

    /// <summary>How long an answer is remembered.</summary>
    public static readonly TimeSpan MaximumAge = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string From, string Id), Command> _commands = [];
    private readonly Queue<Command> _answered = new();
    private long _size;

    /// <summary>Does the command, or gives what it gave.</summary>
    /// <param name="from">Who gives it.</param>
    /// <param name="id">What they call it.</param>
    /// <param name="what">What it is: the same id for something else is refused.</param>
    /// <param name="work">Does it; not called for a repeated one.</param>
    /// <exception cref="VniException"><see cref="ErrorCodes.Conflict"/> or <see cref="ErrorCodes.Busy"/>.</exception>
    public async Task<TAnswer> DoAsync(string from, string id, string what, Func<Task<TAnswer>> work)
    {
        if (Begin(from, id, what, out var command)) await RunAsync(command, work);
        return await command.Answer.Task;
    }

    private bool Begin(string from, string id, string what, out Command command)
    {
        lock (_gate)
        {
            Forget();
            if (_commands.TryGetValue((from, id), out command!))
            {
                return command.What == what
                    ? false
                    : throw new VniException(ErrorCodes.Conflict, $"command {DnsLabel.Quote(id)} of {DnsLabel.Quote(from)} was given before and was another one: give every command an id of its own");
            }

            if (_commands.Count - _answered.Count >= MaximumCount)
                throw new VniException(ErrorCodes.Busy, $"{MaximumCount} commands are under way: wait until some are done");
            command = new Command(from, id, what);
            _commands.Add((from, id), command);
            return true;
        }
    }

    private async Task RunAsync(Command command, Func<Task<TAnswer>> work)
    {
        try
        {
            var answer = await work();
            lock (_gate)
            {
                command.At = time.GetTimestamp();
                command.Size = sizeOf(answer);
                _size += command.Size;
                _answered.Enqueue(command);
                Forget();
            }

            command.Answer.SetResult(answer);
        }
        catch (Exception e)
        {
            lock (_gate) _commands.Remove((command.From, command.Id));
            command.Answer.SetException(e);
        }
    }

    private void Forget()
    {
        while (_answered.TryPeek(out var oldest)
            && (_answered.Count > MaximumCount || _size > MaximumSize || time.GetElapsedTime(oldest.At) > MaximumAge))
        {
            _answered.Dequeue();
            _size -= oldest.Size;
            _commands.Remove((oldest.From, oldest.Id));
        }
    }

    private sealed class Command(string from, string id, string what)
    {
        public string From { get; } = from;

        public string Id { get; } = id;

        public string What { get; } = what;

        public TaskCompletionSource<TAnswer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public long At { get; set; }

        public long Size { get; set; }
    }
}
