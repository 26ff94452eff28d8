using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>Something about data that happens at several places; the first few are kept.</summary>
internal sealed class Finding
{
    private const int PlacesShown = 3;

    private readonly List<RowPlace> _places = [];

    /// <summary>How often.</summary>
    public int Count { get; private set; }

    /// <summary>The first place.</summary>
    public string First => _places[0].ToString();

    /// <summary>The first places, with the files' names alone.</summary>
    public string Places => string.Join("; ", _places.Select(place => (place with { File = Path.GetFileName(place.File) }).ToString())) + (Count > _places.Count ? "; ..." : "");

    /// <summary>Counts a place if it is one.</summary>
    public void Add(bool isFound, RowPlace place)
    {
        if (!isFound) return;
        if (Count++ < PlacesShown) _places.Add(place);
    }
}
