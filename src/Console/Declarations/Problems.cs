using Vni.Actors;

namespace Vni.Cli.Declarations;

/// <summary>Everything that is wrong with a file, to be told at once.</summary>
/// <param name="file">Its name.</param>
/// <param name="consequence">What has come of it.</param>
internal sealed class Problems(string file, string consequence = "nothing was started")
{
    private readonly List<(long Line, long Column, string Sentence)> _found = [];

    public void Add(long line, long column, string sentence) => _found.Add((line, column, sentence));

    public void Add(YamlItem item, string sentence) => Add(item.Line, item.Column, sentence);

    /// <exception cref="VniException">There are problems: <see cref="ErrorCodes.InvalidArgument"/>, one on each line, in order of place.</exception>
    public void ThrowIfAny()
    {
        if (_found.Count == 0) return;
        var lines = _found.OrderBy(p => p.Line).ThenBy(p => p.Column).Select(p => $"{file}:{p.Line}:{p.Column}: {p.Sentence}");
        var count = _found.Count == 1 ? "1 problem" : $"{_found.Count} problems";
        throw new VniException(ErrorCodes.InvalidArgument, $"{file} has {count}; {consequence}\n{string.Join('\n', lines)}");
    }
}
