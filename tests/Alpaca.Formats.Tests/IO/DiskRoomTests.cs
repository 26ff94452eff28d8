using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.IO;

public sealed class DiskRoomTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Require_FitsOnTheDisk_SaysNothing() => FluentActions.Invoking(() => DiskRoom.Require(_folder.Path, 1, "the model")).Should().NotThrow();

    [Fact]
    public void Require_LargerThanAnyDisk_NamesSizeFolderAndMend()
    {
        var act = () => DiskRoom.Require(_folder.Path, long.MaxValue, "the model");

        act.Should().Throw<AlpacaException>().WithMessage($"There is too little room for the model: it takes 8589934592.0 GiB and the disk of {_folder.Path} has *iB free; free *iB there, or choose a folder on another disk. Nothing was written.");
    }
}
