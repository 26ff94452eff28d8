namespace Alpaca.Host.Tests;

public sealed class ChatCommandsTests
{
    private readonly ChatSession _chat;
    private readonly ChatCommands _commands;

    public ChatCommandsTests()
    {
        _chat = new ChatSession(new ScriptedGenerator("yes").ToHandle());
        _commands = new ChatCommands(_chat);
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("/etc/passwd holds what?")]
    public void TryRun_WhatIsMeantForTheModel_IsLeftToIt(string line) => _commands.TryRun(line).Should().BeNull();

    [Fact]
    public void TryRun_UnknownCommand_SaysSo() => _commands.TryRun("/rest").Should().Contain("/rest").And.Contain("/help");

    [Fact]
    public void TryRun_Params_ChangesWhatIsNamedAndShowsAll()
    {
        _commands.TryRun("/params temperature=0.7 top_k=0 seed=2147483646").Should().Contain("temperature=0.7").And.Contain("top_k=0").And.Contain("seed=2147483646").And.Contain("top_p=0.9");

        _chat.Options.Temperature.Should().Be(0.7f);
        _chat.Options.TopK.Should().Be(0);
        _chat.Options.Seed.Should().Be(2147483646);
        _commands.TryRun("/params").Should().Contain("temperature=0.7");
    }

    [Theory]
    [InlineData("/params temperature=0.7 top_p=1.5", "top_p cannot be 1.5")]
    [InlineData("/params top_k=2.5", "a whole number")]
    [InlineData("/params heat=3", "heat=3 is not")]
    [InlineData("/params temperature", "temperature is not")]
    public void TryRun_ImpossibleParams_ChangesNothing(string line, string message)
    {
        var before = _chat.Options;
        _commands.TryRun(line).Should().Contain(message);
        _chat.Options.Should().Be(before);
    }

    [Fact]
    public void TryRun_System_StandsBeforeTheFirstTurn()
    {
        _commands.TryRun("/system Answer in Chinese, please.");
        _chat.System.Should().Be("Answer in Chinese, please.");
        _commands.TryRun("/system");
        _chat.System.Should().BeNull();
    }

    [Fact]
    public async Task TryRun_Reset_ForgetsTheConversation()
    {
        await foreach (var _ in _chat.SayAsync("Well?"))
        {
            // Said.
        }

        _chat.Turns.Should().ContainSingle();
        _commands.TryRun("/reset");
        _chat.Turns.Should().BeEmpty();
    }
}
