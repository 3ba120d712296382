using System.Net;
using System.Net.Sockets;

namespace Vni.Actors.Names;

/// <summary>
/// What is answered to which question, and nothing of how it is carried. Three kinds of zones: the farm's domain, and for
/// each subnet those of its addresses in <c>in-addr.arpa</c> and <c>ip6.arpa</c>.
/// </summary>
public sealed class ZoneAnswers
{
    /// <summary>The name servers' own hostname, which no application may have.</summary>
    internal const string ServerLabel = "ns";

    private readonly ZoneSettings _settings;
    private readonly string[] _domain;
    private readonly string[] _server;
    private readonly string[] _mailbox;

    /// <param name="settings">The zones.</param>
    public ZoneAnswers(ZoneSettings settings)
    {
        _settings = settings;
        _domain = settings.Domain.Split('.');
        _server = [ServerLabel, .. _domain];
        _mailbox = ["hostmaster", .. _domain];
    }

    /// <summary>Whether a name is in one of our zones.</summary>
    public bool Covers(IReadOnlyList<string> labels) => IsInDomain(labels) || Reverse(labels) is not null;

    /// <summary>The answer.</summary>
    /// <param name="table">What is known; <c>null</c>: nothing has been read yet.</param>
    /// <param name="question">The question.</param>
    public NameAnswer Answer(ZoneTable? table, NameQuestion question)
    {
        var reverse = IsInDomain(question.Labels) ? null : Reverse(question.Labels);
        if (reverse is null && !IsInDomain(question.Labels)) return NameAnswer.Empty(NameStatus.Outside);
        if (question.Class != NameQuestion.Internet || question.Type is >= RecordTypes.FirstTransfer and <= RecordTypes.LastTransfer)
            return NameAnswer.Empty(NameStatus.Refused);
        if (table is null) return NameAnswer.Empty(NameStatus.Unready);
        return reverse is null ? Forward(table, question) : Backward(table, question, reverse);
    }

    private NameAnswer Forward(ZoneTable table, NameQuestion question)
    {
        var apex = question.Labels.Skip(question.Labels.Count - _domain.Length).ToArray();
        var below = question.Labels.Count - _domain.Length;
        if (below == 0) return Apex(table, question, apex);
        if (below > 1) return Negative(table, NameStatus.Missing, apex);
        if (table.Find(question.Labels[0]) is { } instance)
            return Addresses(table, question, apex, instance.Ip6 is { } ip6 ? [instance.Ip, ip6] : [instance.Ip]);
        return _settings.Servers.Count > 0 && string.Equals(question.Labels[0], ServerLabel, StringComparison.OrdinalIgnoreCase)
            ? Addresses(table, question, apex, _settings.Servers)
            : Negative(table, NameStatus.Missing, apex);
    }

    private NameAnswer Backward(ZoneTable table, NameQuestion question, ReversePlace place)
    {
        if (!place.Exists) return Negative(table, NameStatus.Missing, place.Apex);
        var instance = place.Address is { } address ? table.Find(address) : null;
        if (instance is not null && question.Type is RecordTypes.Ptr)
            return new NameAnswer(NameStatus.Exists, [new NameRecord.Pointer(question.Labels, [instance.Hostname, .. _domain])]);
        if (place.IsApex) return Apex(table, question, place.Apex);
        if (instance is not null && question.Type is RecordTypes.Any) return new NameAnswer(NameStatus.Exists, [new NameRecord.Minimal(question.Labels)]);

        // Above an address there may be others: that nothing of this name exists could be said only after a search.
        return Negative(table, instance is null && place.Address is not null ? NameStatus.Missing : NameStatus.Exists, place.Apex);
    }

    private NameAnswer Apex(ZoneTable table, NameQuestion question, IReadOnlyList<string> apex) => question.Type switch
    {
        RecordTypes.Soa => new(NameStatus.Exists, [Start(table, apex)]),
        RecordTypes.Ns => new(NameStatus.Exists, [new NameRecord.Server(apex, _server)], Additional: [.. ServerAddresses(table).Select(ip => new NameRecord.Address(_server, ip))]),
        RecordTypes.Any => new(NameStatus.Exists, [new NameRecord.Minimal(apex)]),
        _ => Negative(table, NameStatus.Exists, apex),
    };

    private NameAnswer Addresses(ZoneTable table, NameQuestion question, IReadOnlyList<string> apex, IReadOnlyList<IPAddress> addresses)
    {
        if (question.Type is RecordTypes.Any) return new NameAnswer(NameStatus.Exists, [new NameRecord.Minimal(question.Labels)]);
        var family = question.Type switch
        {
            RecordTypes.A => AddressFamily.InterNetwork,
            RecordTypes.Aaaa => AddressFamily.InterNetworkV6,
            _ => AddressFamily.Unknown,
        };
        var answers = addresses.Where(ip => ip.AddressFamily == family).Select(ip => new NameRecord.Address(question.Labels, ip)).ToList<NameRecord>();
        return answers.Count > 0 ? new NameAnswer(NameStatus.Exists, answers) : Negative(table, NameStatus.Exists, apex);
    }

    private IEnumerable<IPAddress> ServerAddresses(ZoneTable table) =>
        table.Find(ServerLabel) is { } instance ? instance.Ip6 is { } ip6 ? [instance.Ip, ip6] : [instance.Ip] : _settings.Servers;

    private NameAnswer Negative(ZoneTable table, NameStatus status, IReadOnlyList<string> apex) => new(status, [], Start(table, apex));

    private NameRecord.ZoneStart Start(ZoneTable table, IReadOnlyList<string> apex) => new(apex, _server, _mailbox, unchecked((uint)table.Revision));

    private ReversePlace? Reverse(IReadOnlyList<string> labels)
    {
        if (ReverseTree.Of(labels) is not { } tree) return null;
        foreach (var subnet in _settings.Subnets)
        {
            if (tree.Locate(labels, subnet) is { } place) return place;
        }

        return null;
    }

    private bool IsInDomain(IReadOnlyList<string> labels)
    {
        if (labels.Count < _domain.Length) return false;
        for (var i = 1; i <= _domain.Length; i++)
        {
            if (!string.Equals(labels[^i], _domain[^i], StringComparison.OrdinalIgnoreCase)) return false;
        }

        return true;
    }
}
