using Alpaca.Host;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

// The model of the section Inference, as in `alpaca serve`, but in this process.
var builder = Host.CreateApplicationBuilder();
builder.Services.AddAlpacaInference(AlpacaSettings.Load(configFile: Environment.GetEnvironmentVariable("ALPACA_CONFIG"), workspace: null, overrides: []));
using var host = builder.Build();
await host.StartAsync();
await host.Services.GetRequiredService<IServedModels>().WaitUntilLoadedAsync();

var chat = host.Services.GetRequiredService<IChatClient>();
await foreach (var update in chat.GetStreamingResponseAsync(args is [var question, ..] ? question : "为什么要减少污染，保护环境？")) Console.Write(update.Text);
Console.WriteLine();
await host.StopAsync();
