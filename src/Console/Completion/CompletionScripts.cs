namespace Vni.Cli.Completion;

/// <summary>
/// Scripts that ask <c>vni __complete</c>, which prints a line per candidate: the word, a tab, what it is. Where it prints
/// nothing (paths, and the command that an application runs) the shell offers files.
/// </summary>
internal static class CompletionScripts
{
    private const string Bash = """
        # Completion of vni for bash: source <(vni completion bash)
        _vni() {
            local line IFS=$'\n'
            COMPREPLY=()
            while IFS= read -r line; do
                COMPREPLY+=("${line%%$'\t'*}")
            done < <(vni __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
        }
        complete -o default -F _vni vni

        """;

    private const string Zsh = """
        #compdef vni
        # Completion of vni for zsh: source <(vni completion zsh)
        _vni() {
            local line
            local -a found
            for line in "${(@f)$(vni __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
                [[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
            done
            if (( ${#found} )); then
                _describe 'vni' found
            else
                _files
            fi
        }
        if [[ $funcstack[1] = _vni ]]; then
            _vni "$@"
        else
            compdef _vni vni
        fi

        """;

    private const string Fish = """
        # Completion of vni for fish: vni completion fish | source
        function __vni_complete
            set -l words (commandline -opc)
            set -l current (commandline -ct)
            set -l found (vni __complete -- $words[2..-1] "$current" 2>/dev/null)
            if test (count $found) -gt 0
                printf '%s\n' $found
            else
                __fish_complete_path "$current"
            end
        end
        complete -c vni -f -a '(__vni_complete)'

        """;

    /// <summary>The script for <c>bash</c>, <c>zsh</c> or <c>fish</c>.</summary>
    public static string Of(string shell) => shell switch { "zsh" => Zsh, "fish" => Fish, _ => Bash };
}
