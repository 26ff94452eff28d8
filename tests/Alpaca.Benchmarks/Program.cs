using BenchmarkDotNet.Running;

// dotnet run --project tests/Alpaca.Benchmarks -c Release -- --filter '*'
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
