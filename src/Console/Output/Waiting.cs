using System.Text;
using Spectre.Console;

namespace Vni.Cli.Output;

/// <summary>One line that says what is being waited for, on a terminal, and only if it takes a moment.</summary>
internal static class Waiting
{
    // Shorter waits would only flicker.
    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(250);

    /// <summary>Awaits <paramref name="task"/>; the line is gone when it has ended, however it ended.</summary>
    public static async Task<T> ForAsync<T>(Screen screen, Stream stream, TimeProvider clock, string what, Task<T> task)
    {
        if (!screen.IsTerminal) return await task;
        using var done = new CancellationTokenSource();
        await Task.WhenAny(task, Task.Delay(s_moment, clock, done.Token));
        await done.CancelAsync();
        if (task.IsCompleted) return await task;

        await using var writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true) { AutoFlush = true };
        return await screen.Console(writer, screen.Columns).Status()
            .Spinner(Spinner.Known.Dots)
            .SpinnerStyle(screen.StyleOf(Tone.Calm))
            .StartAsync(Markup.Escape(Printable.Escape(what)), _ => task);
    }
}
