using FsCheck;
using FsCheck.Xunit;

namespace Alpaca.Text.Tests;

public sealed class MergeAgendaTests
{
    [Property(MaxTest = 500)]
    public void TryPop_AnyOrderOfPushesAndPops_GivesTheLowestKey(byte[] first, (byte Key, bool IsPop)[] steps)
    {
        var agenda = new MergeAgenda(new ulong[first.Length + steps.Length]);
        var expected = new PriorityQueue<ulong, ulong>();
        foreach (var key in first)
        {
            agenda.Append(key);
            expected.Enqueue(key, key);
        }

        agenda.Sort();
        foreach (var (key, isPop) in steps)
        {
            if (isPop)
            {
                agenda.TryPop(out var lowest).Should().Be(expected.TryDequeue(out var wanted, out _));
                lowest.Should().Be(wanted);
            }
            else
            {
                agenda.TryPush(key).Should().BeTrue();
                expected.Enqueue(key, key);
            }
        }

        while (agenda.TryPop(out var lowest)) lowest.Should().Be(expected.Dequeue());
        expected.Count.Should().Be(0);
    }

    [Fact]
    public void TryPush_NoRoom_IsRefusedUntilAKeyIsTaken()
    {
        var agenda = new MergeAgenda(new ulong[3]);
        agenda.Append(2);
        agenda.Append(4);
        agenda.Sort();

        agenda.TryPush(3).Should().BeTrue();
        agenda.TryPush(1).Should().BeFalse();
        agenda.TryPop(out var lowest).Should().BeTrue();
        lowest.Should().Be(2);
        agenda.TryPush(1).Should().BeTrue();
    }

    [Fact]
    public void Clear_KeysLeft_AreForgotten()
    {
        var agenda = new MergeAgenda(new ulong[4]);
        agenda.Append(2);
        agenda.Sort();
        agenda.TryPush(1);

        agenda.Clear();

        agenda.TryPop(out _).Should().BeFalse();
    }
}
