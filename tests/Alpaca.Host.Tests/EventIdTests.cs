using System.Reflection;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host.Tests;

/// <summary>What is logged can be told apart by its number alone, as alerts and log queries do.</summary>
public sealed class EventIdTests
{
    private const BindingFlags Declared = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    [Fact]
    public void LoggerMessages_OfTheHost_HaveIdsOfTheirOwn()
    {
        var messages = typeof(AlpacaSettings).Assembly.GetTypes().SelectMany(type => type.GetMethods(Declared))
            .Select(method => (Name: $"{method.DeclaringType!.Name}.{method.Name}", Id: method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId)).Where(message => message.Id is not null).ToList();

        messages.Should().HaveCountGreaterThan(40, "they are found").And.OnlyContain(message => message.Id > 0);
        messages.GroupBy(message => message.Id).Where(same => same.Count() > 1).Select(same => $"{same.Key}: {string.Join(", ", same.Select(message => message.Name))}").Should().BeEmpty();
    }
}
