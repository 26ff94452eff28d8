using System.Reflection;
using Xunit.Sdk;

namespace Alpaca.TestSupport;

/// <summary>The PostgreSQL server that tests may use, in ALPACA_TEST_POSTGRES. Tests that need one are skipped without it.</summary>
internal static class TestPostgres
{
    /// <summary>How to reach it, as a user who may create databases.</summary>
    public static string? Connection { get; } = Environment.GetEnvironmentVariable("ALPACA_TEST_POSTGRES") is { Length: > 0 } text ? text : null;

    public static string? SkipReason => Connection is null ? "There is no PostgreSQL; start one with tests/postgres.sh and set ALPACA_TEST_POSTGRES to run this test." : null;
}

/// <summary>A fact that needs PostgreSQL.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute() => Skip = TestPostgres.SkipReason;
}

/// <summary>The case of a theory that needs PostgreSQL.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PostgresDataAttribute : DataAttribute
{
    private readonly object[] _values;

    public PostgresDataAttribute(params object[] values) => (_values, Skip) = (values, TestPostgres.SkipReason);

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [_values];
}
