using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;
using Vni.Actors.Names;

namespace Vni.Cluster.Names;

/// <summary>Puts the zone's answers into messages.</summary>
internal sealed class Responder(ZoneAnswers zone, ZoneSettings settings, Func<ZoneTable?> table, Forwarder forwarder)
{
    /// <summary>Nobody keeps a copy of the zone, so these times of its start count for nothing.</summary>
    private const int Refresh = 3600, Retry = 600, Expire = 86400;

    private readonly int _ttl = (int)settings.TimeToLive.TotalSeconds;

    /// <summary>The answer to a query that has passed <see cref="QueryEnvelope"/>.</summary>
    internal DnsMessage Answer(DnsMessage query, IPAddress client)
    {
        var response = query.CreateResponseInstance();
        response.IsRecursionAllowed = forwarder.Serves(client);
        if (query.EDnsOptions is { } options)
        {
            // Its size bounds the answer. None of the asker's options is repeated.
            response.EDnsOptions = new OptRecord((ushort)Math.Clamp((int)options.UdpPayloadSize, QueryEnvelope.LeastPayload, QueryEnvelope.MostPayload));
            if (options.Version != 0)
            {
                response.ReturnCode = ReturnCode.BadVersion;
                return response;
            }
        }

        var question = query.Questions[0];
        var answer = zone.Answer(table(), new NameQuestion(question.Name.Labels, (int)question.RecordType, (int)question.RecordClass));
        response.ReturnCode = answer.Status switch
        {
            NameStatus.Exists => ReturnCode.NoError,
            NameStatus.Missing => ReturnCode.NxDomain,
            NameStatus.Unready => ReturnCode.ServerFailure,
            _ => ReturnCode.Refused,
        };
        response.IsAuthoritiveAnswer = answer.Status is NameStatus.Exists or NameStatus.Missing;
        response.AnswerRecords.AddRange(answer.Answers.Select(Record));
        if (answer.Authority is { } start) response.AuthorityRecords.Add(Record(start));
        if (answer.Additional is { } additional) response.AdditionalRecords.AddRange(additional.Select(Record));
        return response;
    }

    private DnsRecordBase Record(NameRecord record)
    {
        var owner = Name(record.Owner);
        return record switch
        {
            NameRecord.Address { Ip.AddressFamily: AddressFamily.InterNetworkV6 } address => new AaaaRecord(owner, _ttl, address.Ip),
            NameRecord.Address address => new ARecord(owner, _ttl, address.Ip),
            NameRecord.Pointer pointer => new PtrRecord(owner, _ttl, Name(pointer.Target)),
            NameRecord.Server server => new NsRecord(owner, _ttl, Name(server.Target)),
            NameRecord.ZoneStart start => new SoaRecord(owner, _ttl, Name(start.PrimaryServer), Name(start.Mailbox), start.Serial, Refresh, Retry, Expire, _ttl),
            _ => new HInfoRecord(owner, _ttl, "RFC8482", ""),
        };
    }

    private static DomainName Name(IReadOnlyList<string> labels) => new([.. labels]);
}
