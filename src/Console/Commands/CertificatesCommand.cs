using System.CommandLine;
using Vni.Actors.Security;
using Vni.Cli.CommandLine;
using Vni.Cli.Output;

namespace Vni.Cli.Commands;

/// <summary><c>vni certificates</c>: a farm's own authority, for who has none.</summary>
internal sealed class CertificatesCommand(VniCommand cli)
{
    public Command Create() => new("certificates", "Make the certificates by which members of a farm know each other") { Authority(), Issue() };

    private Command Authority()
    {
        var directory = Directory();
        var command = new Command("create", "Make a farm's authority in a directory") { directory };
        cli.SetAction(command, (context, _) =>
        {
            var path = Path.GetFullPath(context.Get(directory));
            FarmAuthority.Create(path, context.Clock);
            var files = new CertificateDocument($"{path}/ca.crt", $"{path}/ca.key", $"{path}/ca.crt");
            context.Print(files, CliJson.Default.CertificateDocument, screen => screen.Line(files.Certificate, new Piece($"  keep {files.Key} to yourself: whoever has it can be anybody", Tone.Dim)));
            return Task.FromResult(0);
        });
        return command;
    }

    private Command Issue()
    {
        var directory = Directory();
        var name = new Argument<string>("NAME") { Description = "The member's name: a node's is the name of the node" };
        var role = FormedOptions.Choice(
            new Option<string>("--role") { Description = "What the member may be [default: node]", DefaultValueFactory = _ => "node" }, "node", "operator", "registry");
        var addresses = new Option<string[]>("--address")
        {
            Description = "DNS name or IP address that others reach it by, besides its name; may be given several times",
            HelpName = "A",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
        var command = new Command("issue", "Make the key and certificate of a member, or renew it") { role, addresses, directory, name };
        cli.SetAction(command, (context, _) =>
        {
            var kind = Enum.Parse<PeerRole>(context.Get(role)!, ignoreCase: true);
            var files = FarmAuthority.Issue(Path.GetFullPath(context.Get(directory)), context.Get(name), kind, context.Get(addresses) ?? [], context.Clock);
            var document = new CertificateDocument(files.Certificate, files.Key, files.Authority);
            context.Print(document, CliJson.Default.CertificateDocument, screen =>
            {
                foreach (var file in new[] { document.Certificate, document.Key, document.Authority }) screen.Line(file);
            });
            return Task.FromResult(0);
        });
        return command;
    }

    private static Argument<string> Directory() => new("DIR") { Description = "The authority's directory" };
}
