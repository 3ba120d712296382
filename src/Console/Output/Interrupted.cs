namespace Vni.Cli.Output;

/// <summary>What a person who has interrupted a command wants to know: what became of what it had begun.</summary>
internal static class Interrupted
{
    /// <summary>Awaits <paramref name="task"/>; if it was interrupted, says so before that is passed on.</summary>
    /// <param name="screen">Where.</param>
    /// <param name="outcome">What became of it, as the end of a sentence.</param>
    /// <param name="task">What is awaited: when it ends, the outcome is true.</param>
    /// <param name="cancellationToken">What interrupts it.</param>
    public static async Task<T> TellAsync<T>(Screen screen, string outcome, Task<T> task, CancellationToken cancellationToken)
    {
        try
        {
            return await task;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            screen.Line($"interrupted; {outcome}");
            throw;
        }
    }
}
