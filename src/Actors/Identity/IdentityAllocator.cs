using System.Net;
using Vni.Actors.Applications;
using Vni.Actors.HandOffs;
using Vni.Actors.Nodes;
using Vni.Actors.Registry;

namespace Vni.Actors.Identity;

/// <summary>
/// Allocates AID, addresses and hostname and makes the application's first record, its owner record and its first event,
/// all in one transaction that requires every key to be absent [C1, D1, D2]: of two that ask for the same, farm-wide,
/// one gets everything and the other nothing. What was given is refused when it is held, naming the holder; what was
/// not given is tried anew. Usually that is one registry operation. After misses the registry is asked for some addresses
/// of the range, and for all of them only if it is small or nearly full. In a farm each node begins at a place of its own.
/// </summary>
internal sealed class IdentityAllocator(IRegistry registry, RegistryKeys keys, NodeLease lease, NodeSettings settings, TimeProvider time, Random random)
{
    /// <summary>Misses of a generated name or address before the range is looked at.</summary>
    private const int CheapAttempts = 3;

    /// <summary>Addresses asked for at a time.</summary>
    private const int Window = 64;

    /// <summary>Windows asked for before everything is read.</summary>
    private const int Windows = 4;

    /// <summary>A range so small is read as a whole.</summary>
    private const int SmallRange = 1024;

    private readonly Lock _gate = new();
    private IPAddress? _cursor;

    /// <summary>Allocates for a declaration that <see cref="DeclarationValidator"/> found good.</summary>
    /// <returns>The application: <see cref="ApplicationStatus.Starting"/>, owned by this node, epoch 1.</returns>
    /// <exception cref="VniException">One of <see cref="ErrorCodes.NameInUse"/>, <see cref="ErrorCodes.AddressInUse"/>,
    /// <see cref="ErrorCodes.HostnameInUse"/>, <see cref="ErrorCodes.AddressOutOfRange"/>, <see cref="ErrorCodes.RangeExhausted"/>.</exception>
    /// <exception cref="RegistryUnavailableException">Nothing was allocated.</exception>
    public async Task<StoredApplication> AllocateAsync(ApplicationDeclaration declaration, CancellationToken cancellationToken)
    {
        var given = declaration.Ip is { } ip && Ipv4.TryParse(ip, out var parsed) ? parsed : null;
        if (given is not null && settings.Addresses.WhyNot(given) is { } problem)
            throw new VniException(ErrorCodes.AddressOutOfRange, $"address {given} cannot be used: {problem}; choose another address of it, or none for the next free one");
        var tried = new HashSet<string>(StringComparer.Ordinal);
        for (var attempt = 0; ; attempt++)
        {
            var look = given is null && (attempt >= CheapAttempts || (Cursor is null && !settings.Shared));
            var address = given ?? (look ? await FindFreeAsync(tried, cancellationToken) : Advance());
            if (!tried.Add(address.ToString()) && given is null) continue;
            var address6 = SecondAddress(declaration, address, out problem);
            if (problem is not null && declaration.Ip6 is null && given is null) continue; // Another IPv4 address has another counterpart.
            if (problem is not null)
                throw new VniException(ErrorCodes.AddressOutOfRange, $"IPv6 address {address6} cannot be used: {problem}; choose another one, or 'none'");
            var state = Describe(declaration, address, address6);
            try
            {
                var (stored, conflicts) = await TryAsync(state, cancellationToken);
                if (stored is not null) return stored;
                Refuse(declaration, state, conflicts!);
            }
            catch (LeaseNotFoundException)
            {
                await lease.ReplaceAsync(lease.Id, cancellationToken);
            }
        }
    }

    private IPAddress? Cursor
    {
        get
        {
            lock (_gate) return _cursor;
        }
    }

    /// <summary>The next address in turn, free or not. Addresses are taken in turn so that one that was just released is
    /// not given to another application while its former peers still remember it.</summary>
    private IPAddress Advance()
    {
        lock (_gate)
        {
            var address = settings.Addresses.From(_cursor ?? Start()).First();
            _cursor = Ipv4.FromNumber(Ipv4.ToNumber(address) + 1);
            return address;
        }
    }

    /// <summary>The next address that the registry has no holder of, and that has not been tried: one can be free while
    /// the hostname derived from it is not.</summary>
    private async Task<IPAddress> FindFreeAsync(HashSet<string> tried, CancellationToken cancellationToken)
    {
        if (settings.Addresses.Count > SmallRange)
        {
            for (var window = 0; window < Windows; window++)
            {
                // The next ones in turn first; where those are taken others are likely to be too, so then any.
                if (await FindFreeAsync(window == 0 ? Next() : Any(), tried, cancellationToken) is { } found) return found;
            }
        }

        var range = await registry.RangeAsync(KeyRange.Prefix(keys.Addresses) with { KeysOnly = true }, cancellationToken);
        var held = range.Pairs.Select(pair => pair.Key[keys.Addresses.Length..]).ToHashSet(StringComparer.Ordinal);
        lock (_gate)
        {
            var free = settings.Addresses.From(_cursor ?? Start()).FirstOrDefault(address => !held.Contains(address.ToString()) && !tried.Contains(address.ToString()))
                ?? throw new VniException(ErrorCodes.RangeExhausted,
                    $"no address is free in {settings.Addresses}: all {settings.Addresses.Count} are held; remove an application or configure a larger range");
            _cursor = Ipv4.FromNumber(Ipv4.ToNumber(free) + 1);
            return free;
        }
    }

    private async Task<IPAddress?> FindFreeAsync(List<IPAddress> some, HashSet<string> tried, CancellationToken cancellationToken)
    {
        var read = await registry.TransactAsync(
            new Transaction([], [.. some.Select(address => new Operation.Get(new KeyRange(keys.Address(address.ToString()), KeysOnly: true)))], []), cancellationToken);
        for (var i = 0; i < some.Count; i++)
        {
            if (read.Responses[i].Count > 0 || tried.Contains(some[i].ToString())) continue;
            lock (_gate) _cursor = Ipv4.FromNumber(Ipv4.ToNumber(some[i]) + 1);
            return some[i];
        }

        return null;
    }

    private List<IPAddress> Next()
    {
        lock (_gate) return [.. settings.Addresses.From(_cursor ?? Start()).Take(Window)];
    }

    private List<IPAddress> Any()
    {
        lock (_gate) return [.. Enumerable.Range(0, Window).Select(_ => settings.Addresses.At(random.NextInt64(settings.Addresses.Count)))];
    }

    /// <summary>Where this node begins: nodes that begin at the same place would meet again and again.</summary>
    private IPAddress? Start() => settings.Shared ? settings.Addresses.At(FarmRecovery.Spread("", settings.Node) % settings.Addresses.Count) : null;

    /// <summary>The IPv6 address to ask for; <c>null</c>: none.</summary>
    /// <param name="declaration">What was asked for.</param>
    /// <param name="address">The IPv4 address, which an address that was not given goes with.</param>
    /// <param name="problem">Why it cannot be had, as the end of a sentence; <c>null</c>: it can, if it is free.</param>
    private IPAddress? SecondAddress(ApplicationDeclaration declaration, IPAddress address, out string? problem)
    {
        problem = null;
        if (declaration.Ip6 == Ipv6.None || (declaration.Ip6 is null && settings.Addresses6 is null)) return null;
        var wanted = Ipv6.TryParse(declaration.Ip6, out var given) ? given : settings.Addresses6!.Counterpart(address, settings.Addresses);
        problem = settings.Addresses6 is { } range ? range.WhyNot(wanted) : "this node has no IPv6 addresses for applications (network.subnet6 of its configuration)";
        return wanted;
    }

    private ApplicationState Describe(ApplicationDeclaration declaration, IPAddress address, IPAddress? address6)
    {
        var aid = declaration.Name is { } name ? Aid.Parse(name) : AidGenerator.Next(declaration.Processes[0].Command[0], random);
        var hostname = declaration.Hostname ?? VirtualIdentity.HostnameOf(address);
        var now = time.GetUtcNow();
        return new ApplicationState
        {
            Aid = aid,
            Declaration = declaration with { Name = aid.Value, Ip = address.ToString(), Ip6 = address6?.ToString() ?? declaration.Ip6, Hostname = hostname },
            Identity = new VirtualIdentity(address.ToString(), settings.Addresses.PrefixLength, VirtualIdentity.MacOf(address), hostname)
            {
                Ip6 = address6?.ToString(),
                PrefixLength6 = address6 is null ? null : settings.Addresses6!.PrefixLength,
            },
            Status = ApplicationStatus.Starting,
            Node = settings.Node,
            Origin = settings.Node,
            Epoch = 1,
            Created = now,
            Changed = now,
            NextEvent = 2,
        };
    }

    /// <summary>The transaction: what it made, or what stood in the way (name, address,
    /// hostname, IPv6 address if there is to be one, application).</summary>
    private async Task<(StoredApplication? Made, IReadOnlyList<OperationResult>? Conflicts)> TryAsync(ApplicationState state, CancellationToken cancellationToken)
    {
        var holder = RegistryJson.Bytes(new HolderRecord(state.Aid));
        var value = RegistryJson.Bytes(state);
        var ip6 = state.Identity.Ip6;
        string[] identity = [keys.Aid(state.Aid), keys.Address(state.Identity.Ip), keys.Hostname(state.Identity.Hostname), .. ip6 is null ? [] : new[] { keys.Address(ip6) }];
        var application = keys.Application(state.Aid);
        var message = $"{state.Aid} has address {state.Identity.Ip}{(ip6 is null ? "" : $", {ip6}")} and hostname {state.Identity.Hostname}";
        var transaction = new Transaction(
            [.. identity.Append(application).Select(Comparison.Absent)],
            [
                .. identity.Select(key => new Operation.Put(key, holder)),
                new Operation.Put(application, value),
                new Operation.Put(keys.Owner(state.Aid), RegistryJson.Bytes(new OwnerRecord(state.Node, state.Epoch)), lease.Id),
                new Operation.Put(keys.Event(state.Aid, 1), RegistryJson.Bytes(new ApplicationEvent(1, state.Created, EventKinds.Created, message))),
            ],
            [.. identity.Append(application).Select(key => new Operation.Get(new KeyRange(key)))]);
        try
        {
            var result = await registry.TransactAsync(transaction, cancellationToken);
            return result.Succeeded ? (new StoredApplication(state, result.Revision, Owned: true), null) : (null, result.Responses);
        }
        catch (RegistryUnavailableException)
        {
            // It may have been applied all the same: then the application is there, as written.
            if (await ReadAsync(application, cancellationToken) is { } pair && pair.Value.Span.SequenceEqual(value.Span))
                return (new StoredApplication(state, pair.ModRevision, Owned: true), null);
            throw;
        }
    }

    /// <summary>Reads until the registry answers.</summary>
    private async Task<KeyValue?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return (await registry.RangeAsync(new KeyRange(key), cancellationToken)).Pairs is [var pair] ? pair : null;
            }
            catch (RegistryUnavailableException)
            {
                await Task.Delay(settings.RetryDelay, time, cancellationToken);
            }
        }
    }

    /// <summary>Refuses if anything that the user gave is held; returns if only generated things were.</summary>
    private static void Refuse(ApplicationDeclaration declaration, ApplicationState wanted, IReadOnlyList<OperationResult> conflicts)
    {
        var application = conflicts[^1].Pairs is [var pair] ? RegistryJson.Application(pair) : null;
        if (declaration.Name is not null && (application is not null || conflicts[0].Count > 0))
        {
            var where = application is null ? "" : $" ({ApplicationSentences.Name(application.Status)} on node {application.Node})";
            throw new VniException(ErrorCodes.NameInUse, $"application {wanted.Aid} exists already{where}; choose another name, or remove it first");
        }

        if (declaration.Ip is not null && HolderOf(conflicts[1]) is { } ofAddress)
            throw new VniException(ErrorCodes.AddressInUse, $"address {wanted.Identity.Ip} is held by application {ofAddress}; choose another address, or none for the next free one");
        // So does an IPv6 address that was not given.
        if ((declaration.Ip6 is not null || declaration.Ip is not null) && wanted.Identity.Ip6 is { } ip6 && HolderOf(conflicts[3]) is { } ofAddress6)
        {
            throw new VniException(ErrorCodes.AddressInUse, declaration.Ip6 is not null
                ? $"address {ip6} is held by application {ofAddress6}; choose another one, or none for the one that goes with the IPv4 address"
                : $"address {ip6}, which goes with {wanted.Identity.Ip}, is held by application {ofAddress6}; choose another one (ip6), or 'none'");
        }

        // A derived hostname follows the address: where the address was given there is no other to try.
        if ((declaration.Hostname is not null || declaration.Ip is not null) && HolderOf(conflicts[2]) is { } ofHostname)
            throw new VniException(ErrorCodes.HostnameInUse, $"hostname {wanted.Identity.Hostname} is held by application {ofHostname}; choose another hostname");
    }

    private static Aid? HolderOf(OperationResult result) => result.Pairs is [var pair] ? RegistryJson.Holder(pair).Aid : null;
}
