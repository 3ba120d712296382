using Vni.Actors.Identity;
using Vni.Actors.Messages;

namespace Vni.Actors.Applications;

/// <summary>A program that is to join, under a name that nothing else in the application has.</summary>
/// <param name="Process">The program.</param>
/// <param name="Joined">All that have joined, with it as the last.</param>
internal sealed record JoinPlan(ProcessDeclaration Process, IReadOnlyList<ProcessDeclaration> Joined)
{
    /// <summary>Most programs that may have joined and run; those that have ended make room.</summary>
    public const int MaxJoined = 64;

    /// <summary>Finds name and place.</summary>
    /// <param name="state">The application.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="ended">Names of programs that have ended for good: one that joined gives its name up.</param>
    /// <exception cref="VniException">The request is not valid, its name is taken, or there are too many.</exception>
    public static JoinPlan Of(ApplicationState state, JoinRequest request, IReadOnlySet<string> ended)
    {
        var held = state.Declaration.Processes.Concat(state.Joined.Where(joined => !ended.Contains(joined.Name))).Select(process => process.Name).ToHashSet(StringComparer.Ordinal);
        var process = new ProcessDeclaration
        {
            Name = request.Name ?? NameFor(request.Command, held),
            Command = request.Command,
            Env = request.Env,
            User = request.User,
            Workdir = request.Workdir,
            Restart = request.Restart,
            StopSignal = request.StopSignal,
            GraceSeconds = request.GraceSeconds,
        };
        DeclarationValidator.CheckJoin(process);
        if (held.Contains(process.Name))
            throw new VniException(ErrorCodes.NameInUse, $"application {state.Aid} has a process '{process.Name}' already: choose another name than {string.Join(", ", held)}");
        List<ProcessDeclaration> others = [.. state.Joined.Where(joined => joined.Name != process.Name)];
        if (others.Count >= MaxJoined && !others.Remove(others.Find(joined => ended.Contains(joined.Name))!))
            throw new VniException(ErrorCodes.Conflict, $"{MaxJoined} programs have joined application {state.Aid} and still run: end one of them first");
        return new JoinPlan(process, [.. others, process]);
    }

    /// <summary>The program's name made into a label; with a number from 2 on if that is taken.</summary>
    private static string NameFor(IReadOnlyList<string> command, HashSet<string> held)
    {
        var stem = AidGenerator.StemOf(command is [{ } program, ..] ? program : "");
        if (stem.Length == 0) stem = "joined";
        var name = stem;
        for (var number = 2; held.Contains(name); number++) name = $"{stem}-{number}";
        return name;
    }
}
