namespace Vni.Actors.Resources;

/// <summary>The virtual resource ids of an instance, taken while it is frozen [A3, A5, C3].</summary>
public sealed record ResourceTable
{
    /// <summary>Processes, in order of pid.</summary>
    public IReadOnlyList<ProcessResource> Processes { get; init; } = [];

    /// <summary>SysV semaphore sets, in order of id.</summary>
    public IReadOnlyList<SemaphoreResource> Semaphores { get; init; } = [];

    /// <summary>SysV shared memory segments, in order of id.</summary>
    public IReadOnlyList<SharedMemoryResource> SharedMemory { get; init; } = [];

    /// <summary>SysV message queues, in order of id.</summary>
    public IReadOnlyList<MessageQueueResource> MessageQueues { get; init; } = [];

    /// <summary>Every virtual id: by name of the type, then by id, the virtual pid of its owner (0: none). <c>null</c> in manifests of
    /// old, which recorded no more than the above.</summary>
    public SortedDictionary<string, SortedDictionary<string, int>>? Ids { get; init; }

    /// <summary>Whether there is any resource of a type.</summary>
    public bool Has(ResourceType type) => Ids?.GetValueOrDefault(ResourceNames.Of(type)) is { Count: > 0 };
}

/// <param name="Pid">In the instance's PID namespace.</param>
/// <param name="Parent">Its parent's pid there; 0 for the harness.</param>
/// <param name="Group">Process group.</param>
/// <param name="Session">Session.</param>
/// <param name="Command">Its name, as <c>/proc/PID/comm</c> gives it.</param>
/// <param name="Threads">Thread ids, sorted; the first is not always the pid.</param>
public sealed record ProcessResource(int Pid, int Parent, int Group, int Session, string Command, IReadOnlyList<int> Threads);

/// <param name="Id">As <c>semget</c> returned it.</param>
/// <param name="Key">Its key; 0: private.</param>
/// <param name="Values">The value of each semaphore of the set.</param>
public sealed record SemaphoreResource(int Id, int Key, IReadOnlyList<int> Values);

/// <param name="Id">As <c>shmget</c> returned it.</param>
/// <param name="Key">Its key; 0: private.</param>
/// <param name="Size">Bytes.</param>
public sealed record SharedMemoryResource(int Id, int Key, long Size);

/// <param name="Id">As <c>msgget</c> returned it.</param>
/// <param name="Key">Its key; 0: private.</param>
/// <param name="Messages">Number of messages waiting.</param>
/// <param name="Bytes">Bytes waiting.</param>
public sealed record MessageQueueResource(int Id, int Key, long Messages, long Bytes);
