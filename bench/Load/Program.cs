using Vni.Actors.Security;
using Vni.Load;

// The loads of bench/bench that need the product's own classes. One JSON object a line on standard output.
//   vni-load registry --endpoints URL[,URL...] --write change|put --callers N --seconds S
//   vni-load asks     --farm F --node N --certificate FILE --key FILE --authority FILE --to NODE --endpoint HOST:PORT --aid AID --callers N --seconds S
//   vni-load api      --socket PATH --aid AID --callers N --seconds S
//   vni-load read     --farm F --node N --certificate ... --listen IP:PORT        serves until standard input ends
//   vni-load send     --farm F --node N --certificate ... --to NODE --endpoint HOST:PORT      a stream for each line on standard input: its size
var given = Arguments.Parse(args);
switch (args.FirstOrDefault())
{
    case "registry":
        await RegistryLoad.RunAsync(given);
        break;
    case "asks":
        await AskLoad.BetweenNodesAsync(given);
        break;
    case "api":
        await AskLoad.OfTheApiAsync(given);
        break;
    case "read":
        await StreamLoad.ReadAsync(given);
        break;
    case "send":
        await StreamLoad.SendAsync(given);
        break;
    default:
        await Console.Error.WriteLineAsync("vni-load: registry, asks, api, read or send is needed; Program.cs has their options");
        return 2;
}

return 0;

namespace Vni.Load
{
    /// <summary><c>--name value</c> pairs after the command.</summary>
    internal sealed class Arguments
    {
        private readonly Dictionary<string, string> _values = [];

        public string this[string name] => _values.TryGetValue(name, out var value) ? value : throw new ArgumentException($"--{name} is needed");

        public int Number(string name) => int.Parse(this[name]);

        /// <summary>The certificate of the node that is played.</summary>
        public FarmTls Tls() => FarmTls.Load(new TlsFiles(this["certificate"], this["key"], this["authority"]));

        public static Arguments Parse(IReadOnlyList<string> arguments)
        {
            var parsed = new Arguments();
            for (var i = 1; i + 1 < arguments.Count; i += 2) parsed._values[arguments[i].TrimStart('-')] = arguments[i + 1];
            return parsed;
        }
    }
}
