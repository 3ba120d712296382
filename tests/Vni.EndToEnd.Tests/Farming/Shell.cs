using System.Diagnostics;

namespace Vni.EndToEnd.Tests.Farming;

/// <summary>What a program said and how it ended.</summary>
internal sealed record Outcome(int Status, string Output, string Error)
{
    public override string ToString() => $"exit status {Status}\n{Output}{Error}";
}

/// <summary>Runs programs of the node, as a person at its terminal would.</summary>
internal static class Shell
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Runs to the end; any exit status.</summary>
    public static async Task<Outcome> TryAsync(string file, IEnumerable<string> arguments, string? input = null, params (string Name, string Value)[] environment)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(file, arguments) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true } };
        foreach (var (name, value) in environment) process.StartInfo.Environment[name] = value;
        process.Start();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            if (input is not null) await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(limit.Token);
            return new Outcome(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{file} {string.Join(' ', arguments)} did not end within {Limit}", e);
        }
    }

    /// <summary>Runs to the end, which must be a good one; what it printed.</summary>
    public static async Task<string> RunAsync(string file, params string[] arguments)
    {
        var outcome = await TryAsync(file, arguments);
        return outcome.Status == 0 ? outcome.Output : throw new InvalidOperationException($"{file} {string.Join(' ', arguments)}: {outcome}");
    }

    /// <summary>A program and its arguments, split at spaces.</summary>
    public static Task<string> RunAsync(string commandLine)
    {
        var words = commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return RunAsync(words[0], words[1..]);
    }
}
