using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vni.Cli.Playground;

/// <summary>A process that cannot be mistaken for a later one of the same id.</summary>
/// <param name="Pid">Its id.</param>
/// <param name="Started">When it was started, in ticks since boot: field 22 of proc_pid_stat(5).</param>
internal sealed record ProcessMark(int Pid, long Started);

/// <summary>Two members whose frames do not reach each other.</summary>
internal sealed record BlockedPath(string A, string B);

/// <summary>What a farm is and what was done to it; kept in <see cref="FarmPlaces.Record"/>.</summary>
internal sealed record FarmRecord
{
    public required FarmShape Shape { get; init; }

    public required FarmPrograms Programs { get; init; }

    /// <summary>False until everything has been made: then nothing but removing it is of use.</summary>
    public bool Complete { get; init; }

    /// <summary>Daemons by member.</summary>
    public IReadOnlyDictionary<string, ProcessMark> Daemons { get; init; } = new Dictionary<string, ProcessMark>();

    /// <summary>Groups of members that are on a switch of their own.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Islands { get; init; } = [];

    public IReadOnlyList<BlockedPath> Blocked { get; init; } = [];

    public FarmPlan Plan => FarmPlan.Of(Shape, FarmPlaces.Of(Shape.Name), Programs);

    /// <summary>The bridge that a member's port belongs to.</summary>
    public string BridgeOf(string member)
    {
        for (var i = 0; i < Islands.Count; i++)
        {
            if (Islands[i].Contains(member)) return FarmNetwork.Island(i);
        }

        return FarmNetwork.Mainland;
    }

    public FarmRecord With(string member, ProcessMark? daemon)
    {
        var daemons = Daemons.Where(d => d.Key != member).ToDictionary();
        if (daemon is not null) daemons.Add(member, daemon);
        return this with { Daemons = daemons };
    }

    /// <summary>The record of a farm; <c>null</c>: there is none that can be read.</summary>
    public static FarmRecord? Read(FarmPlaces places)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(places.Record), FarmJson.Default.FarmRecord);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Replaces the record as a whole.</summary>
    public void Write()
    {
        var path = FarmPlaces.Of(Shape.Name).Record;
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(this, FarmJson.Default.FarmRecord));
        File.Move(path + ".new", path, overwrite: true);
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(FarmRecord))]
internal sealed partial class FarmJson : JsonSerializerContext;
