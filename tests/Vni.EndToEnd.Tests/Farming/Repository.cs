namespace Vni.EndToEnd.Tests.Farming;

/// <summary>The checkout that the tests belong to, and what its build has left.</summary>
internal static class Repository
{
    /// <summary>The first directory above the tests that holds the solution.</summary>
    public static string Root { get; } = Find();

    /// <summary>Where <c>make build</c> leaves its programs; <c>VNI_BIN</c> names another place.</summary>
    public static string Binary(string name) =>
        Path.Combine(Environment.GetEnvironmentVariable("VNI_BIN") ?? Path.Combine(Root, "bin"), name);

    private static string Find()
    {
        // The tests may have been built to any place; then the working directory is in the checkout.
        foreach (var start in new[] { AppContext.BaseDirectory, Environment.GetEnvironmentVariable("VNI_ROOT"), Environment.CurrentDirectory })
        {
            for (var directory = start; directory is not null; directory = Path.GetDirectoryName(directory))
            {
                if (File.Exists(Path.Combine(directory, "VniAkka.sln"))) return directory;
            }
        }

        throw new InvalidOperationException("no VniAkka.sln above the tests or the working directory: run the tests inside the checkout, or set VNI_ROOT");
    }
}
