using Spectre.Console;
using SpectreText = Spectre.Console.Text;

namespace Alpaca.Host;

/// <summary>Tables for people.</summary>
internal static class Tables
{
    /// <summary>A table with those columns.</summary>
    public static Table Create(params string[] columns)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var column in columns) table.AddColumn(new TableColumn(new SpectreText(column)).NoWrap());
        return table;
    }

    /// <summary>Adds a row of plain texts; brackets in them mean nothing.</summary>
    public static void AddTextRow(this Table table, params string[] cells) => table.AddRow(cells.Select(c => new SpectreText(c)));
}
