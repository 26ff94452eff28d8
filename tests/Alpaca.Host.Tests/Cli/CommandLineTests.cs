namespace Alpaca.Host.Tests;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("rnu", "rnu is not a verb", "did you mean run?")]
    [InlineData("--wrokspace", "--wrokspace is not an option", "did you mean --workspace?")]
    [InlineData("plan --unitl x", "--unitl is not an option of `plan`", "did you mean --until?")]
    [InlineData("runs --json --jsno", "--jsno is not an option of `runs`", "did you mean --json?")]
    [InlineData("inspect --digets", "--digets is not an option of `inspect`", "did you mean --digests?")]
    [InlineData("inspect", "Required argument missing", "alpaca inspect --help")]
    [InlineData("tokenize", "--tokenizer", "required")]
    [InlineData("runs x", "'x' is not the number of a run", "alpaca runs --help")]
    [InlineData("generate --prompt", "--prompt", "alpaca generate --help")]
    public async Task InvokeAsync_WrongCommandLine_SaysWhatIsMeantAndIsAUsageError(string arguments, params string[] messages)
        => (await CommandRun.InvokeAsync(arguments.Split(' '))).ShouldFail(ExitCodes.Usage, messages);

    [Fact]
    public async Task InvokeAsync_SeveralProblems_ReportsThemAll()
        => (await CommandRun.InvokeAsync("generate", "--prompt", "x", "--prompt-ids", "1,b", "--top-p", "3", "--max-new-tokens", "0", "--threads", "-1", "--seed", "x", "--tpo-k", "4"))
            .ShouldFail(
                ExitCodes.Usage, "exactly one of --prompt", "--prompt-ids is '1,b'", "--top-p is '3'; it must be a number from 0 to 1.", "--max-new-tokens is '0'; it must be a whole number from 1.", "--threads is '-1'",
                "--seed is 'x'; it must be a whole number.",
                "--tpo-k is not an option of `generate`; did you mean --top-k?");

    [Fact]
    public async Task InvokeAsync_ConfigurationIsNotThere_NamesItAndIsAUsageError()
        => (await CommandRun.InvokeAsync("plan", "--config", "/nowhere/appsettings.json")).ShouldFail(ExitCodes.Usage, "/nowhere/appsettings.json");

    [Fact]
    public async Task InvokeAsync_PromptBeginsWithAtSign_IsNoResponseFile()
        => (await CommandRun.InvokeAsync("inspect", "@nowhere.bin")).ShouldFail(ExitCodes.Failure, "@nowhere.bin");

    [Fact]
    public async Task InvokeAsync_Verbose_ShowsTheStackTrace()
    {
        var run = await CommandRun.InvokeAsync("inspect", "/nowhere.bin", "--verbose");

        run.ExitCode.Should().Be(ExitCodes.Failure);
        run.Error.Should().Contain("   at ").And.StartWith("alpaca: ");
    }

    [Theory]
    [InlineData("--help", "serve", "run", "plan", "runs", "stage", "generate", "chat", "tokenize", "inspect", "plugins", "--config", "--workspace", "--verbose")]
    [InlineData("generate --help", "--temperature <T>", "[default: 0.2]", "--repetition-penalty", "--prompt-ids", "--config")]
    public async Task InvokeAsync_Help_ListsWhatThereIs(string arguments, params string[] expected)
        => (await CommandRun.InvokeAsync(arguments.Split(' '))).ShouldSucceed().Output.Should().ContainAll(expected);

    [Fact]
    public async Task InvokeAsync_Interrupted_IsCancelled()
    {
        using var bench = new CommandBench(stages: """ "acme-note": { "Text": "Hello", "Mishap": "hang" } """);
        using var interrupts = new Interrupts();
        var running = CommandRun.WithInterruptsAsync(interrupts, "", "run", "--config", bench.Configuration);
        while (!Directory.Exists(bench.Folder.Combine("workspace", "resume"))) await Task.Delay(20);

        interrupts.Interrupt().Should().BeTrue();

        (await running).ShouldFail(ExitCodes.Cancelled, "cancelled");
        (await bench.InvokeAsync("runs", "--json")).Json[0].GetProperty("outcome").GetString().Should().Be("Cancelled");
    }
}
