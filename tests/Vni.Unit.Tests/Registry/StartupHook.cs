using Vni.Unit.Tests.Registry;

/// <summary>
/// Lets this assembly run as a process of its own: the runtime calls this before <c>Main</c> when the assembly is named in
/// <c>DOTNET_STARTUP_HOOKS</c>, and prescribes name, method and the missing namespace.
/// </summary>
#pragma warning disable CA1050, MA0047 // see above
internal static class StartupHook
{
    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(CrashWriter.Variable) is { Length: > 0 } file) CrashWriter.RunAsync(file).GetAwaiter().GetResult();
    }
}
