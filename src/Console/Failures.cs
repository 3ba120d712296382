using Vni.Actors;
using Vni.Actors.Messages;
using Vni.Cli.Output;
using Vni.Cli.Views;

namespace Vni.Cli;

/// <summary>How a refusal or failure is told: one sentence and its code, on standard error.</summary>
internal static class Failures
{
    /// <summary>Whatever was thrown, as what the user is told; never a stack trace.</summary>
    public static VniException Of(Exception e) => e switch
    {
        VniException known => known,
        IOException io => new VniException(ErrorCodes.Internal, $"vni cannot read or write: {io.Message}"),
        _ => new VniException(ErrorCodes.Internal, $"vni has failed ({e.GetType().Name}: {e.Message}): this is a defect, please report it"),
    };

    /// <summary>Writes a failure in the form that was asked for.</summary>
    public static void Write(Stream error, ScreenTerminal? terminal, bool json, VniException failure)
    {
        if (json)
        {
            JsonOutput.Document(error, new ErrorView(ErrorBody.Of(failure)), VniJson.Default.ErrorView);
            return;
        }

        // A message of several lines carries a list of problems, or lines of a log: the code belongs to the sentence.
        var screen = new Screen(error, terminal);
        var (sentence, findings) = FindingText.Split(failure.Message.TrimEnd('\n'), failure.Findings ?? []);
        var lines = sentence.Split('\n');
        screen.Line(new Piece("vni: ", Tone.Bad), lines[0], new Piece($" ({failure.Code})", Tone.Dim), findings.Count > 0 ? ":" : "");
        foreach (var finding in findings) screen.Line($"  {finding}");
        foreach (var line in lines.Skip(1)) screen.Line(line);
    }

    /// <summary>Writes what is wrong with the command line.</summary>
    public static void WriteUsage(Stream error, ScreenTerminal? terminal, bool json, IReadOnlyList<string> problems, string command)
    {
        if (json)
        {
            Write(error, terminal, json, new VniException(ErrorCodes.InvalidArgument, string.Join('\n', problems)));
            return;
        }

        var screen = new Screen(error, terminal);
        foreach (var problem in problems) screen.Line(new Piece("vni: ", Tone.Bad), problem);
        screen.Line(new Piece($"See '{command} --help'.", Tone.Dim));
    }
}
