using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.IO;

public sealed class DiskRoomTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Require_FitsOnTheDisk_SaysNothing() => FluentActions.Invoking(() => DiskRoom.Require(_folder.Path, 1, "The model")).Should().NotThrow();

    [Fact]
    public void Require_LargerThanAnyDisk_NamesSizeFolderAndMend()
    {
        var act = () => DiskRoom.Require(_folder.Path, long.MaxValue, "The model");

        act.Should().Throw<AlpacaException>().WithMessage($"The model takes 9223372036.85 GB and the disk of {_folder.Path} has * GB free; make room or choose a folder on another disk.");
    }
}
