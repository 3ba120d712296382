using Polly;
using Polly.Retry;
using Vni.Actors.Registry;

namespace Vni.Cluster.Registry.Etcd;

/// <summary>
/// Gets an answer from one of the endpoints. What may be carried out twice is repeated, at the next endpoint first; what may
/// not is repeated only when it certainly had no effect (the connection could not be made, the endpoint had no leader).
/// Else its outcome is unknown, and the caller is told so.
/// </summary>
internal sealed class EtcdCaller : IDisposable
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);
    private static readonly ResiliencePropertyKey<long> Started = new("started");
    private static readonly ResiliencePropertyKey<bool> Repeatable = new("repeatable");

    private readonly EtcdRegistryOptions _options;
    private readonly ResiliencePipeline _pipeline;
    private readonly CancellationTokenSource _closing = new();

    public EtcdCaller(EtcdRegistryOptions options)
    {
        _options = options;
        Endpoints = new(options.Endpoints);
        Transport = new(options);
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = options.Time }
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = int.MaxValue, // Time decides.
                ShouldHandle = args => ValueTask.FromResult(MayRepeat(args)),
                DelayGenerator = args => ValueTask.FromResult<TimeSpan?>(Pause(args.AttemptNumber)),
            })
            .Build();
        Closing = _closing.Token;
    }

    public EndpointRing Endpoints { get; }

    public EtcdTransport Transport { get; }

    /// <summary>Cancelled when the registry is closed.</summary>
    public CancellationToken Closing { get; }

    /// <summary>How long to wait before attempt <paramref name="number"/> (0: the second one) after a failure: not at all while there is
    /// an endpoint that was not asked yet.</summary>
    public TimeSpan Pause(int number)
    {
        var rounds = number - (Endpoints.Count - 1);
        if (rounds < 0) return TimeSpan.Zero;
        var pause = TimeSpan.FromTicks(Math.Min(ShortestPause.Ticks << Math.Min(rounds, 10), LongestPause.Ticks));
        return pause * (0.5 + (Random.Shared.NextDouble() / 2)); // Not everybody at the same moment.
    }

    /// <exception cref="RegistryUnavailableException">No endpoint answered; what cannot be repeated may have been carried out.</exception>
    /// <exception cref="ObjectDisposedException">The registry is closed.</exception>
    public async Task<TAnswer> AskAsync<TRequest, TAnswer>(Call<TRequest, TAnswer> call, CancellationToken cancellationToken)
    {
        ThrowIfClosed();
        cancellationToken.ThrowIfCancellationRequested();
        // As with the embedded store, what may have been applied is waited for: else nobody would know its outcome.
        using var either = CancellationTokenSource.CreateLinkedTokenSource(call.Repeatable ? cancellationToken : CancellationToken.None, Closing);
        var context = ResilienceContextPool.Shared.Get(either.Token);
        context.Properties.Set(Started, _options.Time.GetTimestamp());
        context.Properties.Set(Repeatable, call.Repeatable);
        try
        {
            return await _pipeline.ExecuteAsync(
                static (context, state) => state.Caller.AttemptAsync(state.Call, state.Cancelled, context.CancellationToken),
                context,
                (Caller: this, Call: call, Cancelled: cancellationToken));
        }
        catch (AttemptFailedException e)
        {
            throw new RegistryUnavailableException(Sentence(e), e);
        }
        catch (OperationCanceledException) when (Closing.IsCancellationRequested)
        {
            throw Closed();
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    public void ThrowIfClosed()
    {
        if (Closing.IsCancellationRequested) throw Closed();
    }

    public void Dispose()
    {
        _closing.Cancel();
        Transport.Dispose();
        _closing.Dispose();
    }

    private async ValueTask<TAnswer> AttemptAsync<TRequest, TAnswer>(Call<TRequest, TAnswer> call, CancellationToken cancelled, CancellationToken cancellationToken)
    {
        cancelled.ThrowIfCancellationRequested(); // Between two attempts, nothing is under way.
        var endpoint = Endpoints.Current;
        try
        {
            return await Transport.AskAsync(call, endpoint, cancellationToken);
        }
        catch (AttemptFailedException e)
        {
            Endpoints.Leave(endpoint);
            throw new AttemptFailedException($"{endpoint.GetLeftPart(UriPartial.Authority)}: {e.Message}", e.MayBeApplied, e);
        }
    }

    private bool MayRepeat(RetryPredicateArguments<object> args) =>
        args.Outcome.Exception is AttemptFailedException failed
        && (!failed.MayBeApplied || args.Context.Properties.GetValue(Repeatable, false))
        && _options.Time.GetElapsedTime(args.Context.Properties.GetValue(Started, 0)) < _options.GiveUpAfter;

    private string Sentence(AttemptFailedException e) =>
        $"Registry {Endpoints} cannot be used ({e.Message}); check that it runs and can be reached from here{(e.MayBeApplied ? ". The request may have been carried out" : "")}.";

    private ObjectDisposedException Closed() => new(nameof(EtcdRegistry), $"Registry {Endpoints} is closed.");
}
