using Vni.Actors.Applications;
using Xunit;

namespace Vni.Unit.Tests.Node;

public sealed class LogTests : IAsyncLifetime
{
    private ApiFixture _api = null!;

    public async Task InitializeAsync() => _api = await ApiFixture.StartAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task A_log_is_sent_as_it_is()
    {
        await File.WriteAllTextAsync(_api.Log("main"), "one\ntwo\nthree");
        Assert.Equal("one\ntwo\nthree", await Get());
    }

    [Theory]
    [InlineData("one\ntwo\nthree\n", 2, "two\nthree\n")]
    [InlineData("one\ntwo\nthree", 2, "two\nthree")]
    [InlineData("one\ntwo\n", 5, "one\ntwo\n")]
    [InlineData("one\n\n\n", 2, "\n\n")]
    [InlineData("one\n", 0, "")]
    [InlineData("", 3, "")]
    public async Task The_last_lines_are_found(string content, int tail, string expected)
    {
        await File.WriteAllTextAsync(_api.Log("main"), content);
        Assert.Equal(expected, await Get($"?tail={tail}"));
    }

    [Fact]
    public async Task The_last_lines_are_found_across_many_blocks()
    {
        var lines = Enumerable.Range(0, 20_000).Select(i => $"line {i}\n").ToArray();
        await File.WriteAllTextAsync(_api.Log("main"), string.Concat(lines));
        Assert.Equal(string.Concat(lines[^15_000..]), await Get("?tail=15000"));
    }

    [Fact]
    public async Task An_application_that_has_written_nothing_has_an_empty_log() => Assert.Equal("", await Get());

    [Fact]
    public async Task Lines_of_several_processes_carry_their_names()
    {
        _api.Service.Processes = [new ProcessDeclaration { Name = "a" }, new ProcessDeclaration { Name = "b" }];
        await File.WriteAllTextAsync(_api.Log("a"), "1\n2");
        await File.WriteAllTextAsync(_api.Log("b"), "3\n");
        Assert.Equal("a | 1\nb | 3\na | 2\n", await Get());
        Assert.Equal("3\n", await Get("?process=b"));
    }

    [Fact]
    public async Task Following_survives_a_late_log_and_a_replaced_and_a_truncated_one_and_ends_with_the_application()
    {
        using var lines = await _api.OpenAsync("/v1/applications/web/logs?follow=true");
        await File.WriteAllTextAsync(_api.Log("main"), "one\n");
        Assert.Equal("one", await lines.ReadLineAsync());
        await File.AppendAllTextAsync(_api.Log("main"), "two\n");
        Assert.Equal("two", await lines.ReadLineAsync());

        // A restore puts another file there, with what was read at its beginning.
        await File.WriteAllTextAsync(_api.Log("restored"), "one\ntwo\nthree\n");
        File.Move(_api.Log("restored"), _api.Log("main"), overwrite: true);
        Assert.Equal("three", await lines.ReadLineAsync());

        await File.WriteAllTextAsync(_api.Log("main"), "new\n");
        Assert.Equal("new", await lines.ReadLineAsync());

        _api.Service.Disappear();
        File.Delete(_api.Log("main"));
        Assert.Null(await lines.ReadLineAsync());
    }

    [Fact]
    public async Task Following_shows_a_program_that_joins_and_from_then_on_every_name()
    {
        using var lines = await _api.OpenAsync("/v1/applications/web/logs?follow=true&tail=0");
        await File.WriteAllTextAsync(_api.Log("main"), "alone\n");
        Assert.Equal("alone", await lines.ReadLineAsync());
        _api.Service.Processes = [.. _api.Service.Processes, new ProcessDeclaration { Name = "late" }];
        await File.WriteAllTextAsync(_api.Log("late"), "here\n");
        Assert.Equal("late | here", await lines.ReadLineAsync());
        await File.AppendAllTextAsync(_api.Log("main"), "together\n");
        Assert.Equal("main | together", await lines.ReadLineAsync());
    }

    private Task<string> Get(string query = "") => _api.Client.GetStringAsync($"/v1/applications/web/logs{query}");
}
