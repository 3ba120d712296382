using Vni.Actors;
using Vni.Actors.Rules;

namespace Vni.Cli.Declarations;

/// <summary>Files of rules.</summary>
internal static class RuleSource
{
    /// <summary>The text of a file.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: it cannot be read.</exception>
    public static string Read(string path) => TextFile.Read(path, "rules file", RuleLimits.MaxBytes);

    /// <summary>Refuses rules that have problems.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>, with every problem.</exception>
    public static void Check(string text, string name, IReadOnlyDictionary<string, string> properties)
    {
        var problems = new Problems(name);
        foreach (var problem in RuleChecker.Check(text, properties).Where(p => !p.IsWarning)) problems.Add(problem.Position.Line, problem.Position.Column, problem.Sentence);
        problems.ThrowIfAny();
    }

    /// <summary>The formatted text.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: it cannot be read as rules; every problem.</exception>
    public static string Format(string text, string name)
    {
        var parsed = RuleParser.Parse(text);
        var problems = new Problems(name, "nothing was changed");
        foreach (var problem in parsed.Problems) problems.Add(problem.Position.Line, problem.Position.Column, problem.Sentence);
        problems.ThrowIfAny();
        return RuleFormatter.Format(parsed.File);
    }

    /// <summary>Replaces a file as a whole; what a link leads to, not the link.</summary>
    /// <exception cref="VniException"><see cref="ErrorCodes.InvalidArgument"/>: it cannot be written.</exception>
    public static void Write(string path, string text)
    {
        try
        {
            var file = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
            var draft = $"{file}.{Guid.NewGuid():n}.draft";
            try
            {
                File.WriteAllText(draft, text);
                File.SetUnixFileMode(draft, File.GetUnixFileMode(file));
                File.Move(draft, file, overwrite: true);
            }
            finally
            {
                File.Delete(draft);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VniException(ErrorCodes.InvalidArgument, $"rules file '{path}' cannot be written: {e.Message}");
        }
    }
}
