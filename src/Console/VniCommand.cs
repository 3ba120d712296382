using System.CommandLine;
using System.CommandLine.Help;
using System.Text;
using Vni.Cli.CommandLine;
using Vni.Cli.Commands;
using Vni.Cli.Completion;
using Vni.Cli.Terminal;

namespace Vni.Cli;

/// <summary>The whole command line: from words to an exit status.</summary>
internal sealed class VniCommand
{
    /// <summary>Refused or failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line makes no sense.</summary>
    public const int Usage = 2;

    // As wide as help is where nobody says how wide the screen is.
    private const int PlainWidth = 120;

    private readonly Host _host;
    private readonly GlobalOptions _globals = new();
    private readonly RootCommand _root;
    private readonly Completer _completer;

    public VniCommand(Host host)
    {
        _host = host;
        var names = new DaemonNames(_globals, host);
        _root = new RootCommand("Runs unmodified Linux applications under their own virtual address and hostname, and snapshots and restores them")
        {
            _globals.Format,
            _globals.Socket,
            new RunCommand(this, names).Create(),
            new PsCommand(this).Create(),
            new InspectCommand(this, names).Create(),
            new LogsCommand(this, names).Create(),
            new ExecCommand(this, names).Create(),
            new JoinCommand(this, names).Create(),
            new StopCommand(this, names).Create(),
            new StartCommand(this, names).Create(),
            new RemoveCommand(this, names).Create(),
            new SnapshotCommand(this, names).Create(),
            new SnapshotsCommand(this, names).Create(),
            new RestoreCommand(this, names).Create(),
            new EventsCommand(this, names).Create(),
            new RidsCommand(this, names).Create(),
            new TranslateCommand(this, names).Create(),
            new MigrateCommand(this, names).Create(),
            new DrainCommand(this, names).Create(),
            new NodesCommand(this).Create(),
            new ClusterCommand(this, names).Create(),
            new ActorCommand(this).Create(),
            new ShardingCommand(this).Create(),
            new RegistryCommand(this).Create(),
            new FarmCommand(this).Create(),
            new CertificatesCommand(this).Create(),
            new RulesCommand(this, names).Create(),
            new TopCommand(this).Create(),
            new ConsoleCommand(this).Create(),
            new VersionCommand(this).Create(),
            new CheckCommand(this, names).Create(),
            new CompletionCommand(this).Create(),
        };
        _completer = new Completer(_root);
        _root.Add(new CompleteCommand(this, _completer).Create());
        _root.Options.Remove(_root.Options.OfType<HelpOption>().Single());
        _root.Add(new HelpOption("--help", "-h") { Description = "Show this help", Action = new HelpText(host.OutputTerminal?.Columns ?? PlainWidth) });
        // [suggest] and the like would make an argument in brackets mean something; completion has a command of its own.
        _root.Directives.Clear();
    }

    /// <summary>What the last of these words may be.</summary>
    public IReadOnlyList<Candidate> Complete(IReadOnlyList<string> words) => [.. _completer.Of([.. words])];

    /// <summary>Runs one command line.</summary>
    public async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        // '@file' is an argument like any other.
        var parse = _root.Parse(OptionOrder.Normalize(_root, args), new ParserConfiguration { ResponseFileTokenReplacer = null });
        // Those that clear errors are --help and --version.
        if (parse.Action is not { ClearsParseErrors: true } && UsageErrors.Of(parse) is { Count: > 0 } problems) return Misused(parse, problems);

        try
        {
            using var output = new StringWriter();
            var status = await parse.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = output, Error = output },
                _host.Interruption.Token);
            _host.Output.Write(Encoding.UTF8.GetBytes(output.ToString()));
            return status;
        }
        catch (OutputClosedException)
        {
            return Failed;
        }
    }

    /// <summary>Makes <paramref name="run"/> what a command does; every way it can fail ends in an exit status.</summary>
    public void SetAction(Command command, Func<CommandContext, CancellationToken, Task<int>> run) => command.SetAction(async (parse, cancellationToken) =>
    {
        using var context = new CommandContext(_host, parse, _globals);
        try
        {
            return await run(context, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return _host.Interruption.ExitStatus;
        }
        catch (OutputClosedException)
        {
            return Failed;
        }
        catch (Exception e)
        {
            Failures.Write(_host.Error, _host.ErrorTerminal, context.Json, Failures.Of(e));
            return Failed;
        }
    });

    private int Misused(ParseResult parse, IReadOnlyList<string> problems)
    {
        var json = parse.GetResult(_globals.Format) is { } format && !format.Errors.Any() && parse.GetValue(_globals.Format) == "json";
        Failures.WriteUsage(_host.Error, _host.ErrorTerminal, json, problems, OptionOrder.NameOf(parse.CommandResult.Command));
        return Usage;
    }
}
