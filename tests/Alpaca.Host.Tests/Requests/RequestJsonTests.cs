using System.Globalization;
using System.Text.Json.Nodes;

namespace Alpaca.Host.Tests;

public sealed class RequestJsonTests
{
    [Fact]
    public void Read_WhatWasWritten_IsEqual()
    {
        var request = new EverythingRequest
        {
            Text = "a\n\"b\", 中文",
            Maybe = null,
            Count = null,
            Flag = true,
            Whole = int.MinValue,
            Big = ulong.MaxValue,
            Small = 255,
            Real = double.Epsilon,
            Endless = double.NegativeInfinity,
            Single = 0.1f,
            Exact = decimal.Parse("0.1234567890123456789012345678", CultureInfo.InvariantCulture),
            Time = new TimeSpan(1, 2, 3, 4, 5),
            Day = DayOfWeek.Friday,
            MaybeDay = DayOfWeek.Monday,
            Texts = ["with, commas", "", "and [brackets]"],
            Numbers = [],
            Days = [DayOfWeek.Saturday, DayOfWeek.Sunday],
        };

        var read = (EverythingRequest)RequestJson.Read(typeof(EverythingRequest), (JsonObject)JsonNode.Parse(RequestJson.Write(request).ToJsonString())!);

        read.Should().BeEquivalentTo(request);
    }

    [Fact]
    public void Read_OptionThatIsNotThere_KeepsItsDefault()
        => ((EverythingRequest)RequestJson.Read(typeof(EverythingRequest), [])).Should().BeEquivalentTo(new EverythingRequest());

    [Fact]
    public void Read_ValueOfAnotherType_SaysWhich()
        => FluentActions.Invoking(() => RequestJson.Read(typeof(EverythingRequest), new JsonObject { ["Whole"] = "many" })).Should().Throw<FormatException>().WithMessage("Whole is 'many'; *");

    private sealed record EverythingRequest
    {
        public string Text { get; init; } = "";

        public string? Maybe { get; init; } = "something";

        public long? Count { get; init; } = 3;

        public bool Flag { get; init; }

        public int Whole { get; init; }

        public ulong Big { get; init; }

        public byte Small { get; init; }

        public double Real { get; init; }

        public double Endless { get; init; }

        public float Single { get; init; }

        public decimal Exact { get; init; }

        public TimeSpan Time { get; init; }

        public DayOfWeek Day { get; init; }

        public DayOfWeek? MaybeDay { get; init; }

        public IReadOnlyList<string> Texts { get; init; } = ["default"];

        public int[] Numbers { get; init; } = [1];

        public List<DayOfWeek> Days { get; init; } = [];
    }
}
