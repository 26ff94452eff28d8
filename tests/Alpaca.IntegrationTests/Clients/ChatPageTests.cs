using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Playwright;

namespace Alpaca.IntegrationTests;

/// <summary>The chat page, in a real browser, against the real server with a real model.</summary>
[Collection(ServedSample.Collection)]
public sealed class ChatPageTests(ServedSample served) : IAsyncLifetime
{
    private const float Patience = 180_000;
    private readonly ConcurrentQueue<string> _requests = []; // the browser tells of them on threads of its own
    private readonly ConcurrentQueue<string> _complaints = [];
    private readonly ConcurrentQueue<string> _bodies = [];
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async Task InitializeAsync()
    {
        if (Chromium.SkipReason is not null) return;
        _playwright = await Playwright.CreateAsync();
        _browser = await Chromium.StartAsync(_playwright);
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    [BrowserFact]
    public async Task Page_KeyboardAlone_AsksAndStreamsAnAnswer()
    {
        var page = await OpenAsync();

        await page.Keyboard.TypeAsync("中国的首都是哪里？"); // the question has the focus from the start
        await page.Keyboard.PressAsync("Enter");
        await Ended(page, answers: 1);

        (await page.TextContentAsync(".user .text")).Should().Be("中国的首都是哪里？");
        (await page.TextContentAsync(".assistant .text")).Should().NotBeNullOrWhiteSpace().And.NotContain("\uFFFD");
        (await page.TextContentAsync(".assistant .speaker")).Should().Be(served.ModelName);
        _complaints.Should().BeEmpty();
    }

    [BrowserFact]
    public async Task Page_SecondQuestion_SendsTheConversation()
    {
        var page = await OpenAsync();

        await Ask(page, "你好", answers: 1);
        await Ask(page, "再说一次", answers: 2);

        using var body = JsonDocument.Parse(_bodies.Last());
        body.RootElement.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("role").GetString()).Should().Equal("user", "assistant", "user");
    }

    [BrowserFact]
    public async Task Page_ChosenModelAndParameters_AreSent()
    {
        var page = await OpenAsync();

        await page.ClickAsync("#settings-toggle");
        await page.FillAsync("#temperature", "0");
        await page.FillAsync("#max_tokens", "5");
        await page.FillAsync("#seed", "7");
        await page.FillAsync("#system", "Answer briefly.");
        await Ask(page, "你好", answers: 1);

        using var body = JsonDocument.Parse(_bodies.Single());
        body.RootElement.GetProperty("model").GetString().Should().Be(served.ModelName);
        body.RootElement.GetProperty("temperature").GetDouble().Should().Be(0);
        body.RootElement.GetProperty("max_tokens").GetInt32().Should().Be(5);
        body.RootElement.GetProperty("seed").GetInt32().Should().Be(7);
        body.RootElement.GetProperty("messages")[0].GetProperty("content").GetString().Should().Be("Answer briefly.");
    }

    [BrowserFact]
    public async Task Page_Escape_StopsTheAnswerAndKeepsWhatWasSaid()
    {
        var page = await OpenAsync();
        await page.ClickAsync("#settings-toggle");
        await page.FillAsync("#temperature", "2"); // rambles to the limit
        await page.FillAsync("#top_k", "0");
        await page.FillAsync("#top_p", "1");
        await page.FillAsync("#seed", "42");
        await page.FillAsync("#max_tokens", "100000");

        await page.FocusAsync("#question");
        await page.Keyboard.TypeAsync("讲一个很长的故事");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator(".assistant .text")).Not.ToBeEmptyAsync(new() { Timeout = Patience });
        await page.Keyboard.PressAsync("Escape");
        await Ended(page, answers: 1);

        (await page.TextContentAsync(".assistant .text")).Should().NotBeEmpty();
        (await page.IsVisibleAsync("#problem")).Should().BeFalse();
    }

    [BrowserFact]
    public async Task Page_ErrorOfTheServer_IsShownAndTheQuestionComesBack()
    {
        var page = await OpenAsync();
        await page.ClickAsync("#settings-toggle");
        await page.FillAsync("#top_p", "7");

        await page.FocusAsync("#question");
        await page.Keyboard.TypeAsync("你好");
        await page.Keyboard.PressAsync("Enter");
        await page.WaitForSelectorAsync("#problem:not([hidden])");

        (await page.TextContentAsync("#problem")).Should().Contain("top_p");
        (await page.InputValueAsync("#question")).Should().Be("你好");
        (await page.QuerySelectorAllAsync("#conversation li")).Should().BeEmpty();
    }

    [BrowserFact]
    public async Task Page_Language_FollowsTheBrowserAndTheChoice()
    {
        var page = await OpenAsync("zh-CN");
        (await page.TextContentAsync("#send")).Should().Be("发送");

        await page.SelectOptionAsync("#language", "en");

        (await page.TextContentAsync("#send")).Should().Be("Send");
        (await page.GetAttributeAsync("html", "lang")).Should().Be("en");
    }

    [BrowserFact]
    public async Task Page_Everything_ComesFromTheServer()
    {
        var page = await OpenAsync();

        await Ask(page, "你好", answers: 1);

        _requests.Should().OnlyContain(url => url.StartsWith(served.Address, StringComparison.Ordinal) || url.StartsWith("data:", StringComparison.Ordinal));
        _complaints.Should().BeEmpty("the content security policy allows all that the page does");
    }

    private async Task<IPage> OpenAsync(string locale = "en-US")
    {
        var context = await _browser!.NewContextAsync(new BrowserNewContextOptions { Locale = locale });
        context.SetDefaultTimeout(Patience);
        var page = await context.NewPageAsync();
        page.Request += (_, request) =>
        {
            _requests.Enqueue(request.Url);
            if (request.PostData is { } body) _bodies.Enqueue(body);
        };
        page.Console += (_, message) =>
        {
            if (message.Type == "error") _complaints.Enqueue(message.Text);
        };
        page.PageError += (_, error) => _complaints.Enqueue(error);
        await page.GotoAsync(served.Address);
        await page.WaitForSelectorAsync("#model option", new PageWaitForSelectorOptions { State = WaitForSelectorState.Attached });
        return page;
    }

    private static async Task Ask(IPage page, string question, int answers)
    {
        await page.FillAsync("#question", question);
        await page.PressAsync("#question", "Enter");
        await Ended(page, answers);
    }

    private static async Task Ended(IPage page, int answers)
    {
        // Locators and no functions: those would be evaluated from text in the page, which its content security policy forbids.
        await Assertions.Expect(page.Locator(".assistant:not(.writing)")).ToHaveCountAsync(answers, new() { Timeout = Patience });
        await page.WaitForSelectorAsync("#send:not([hidden])");
    }
}
