using System.Text;
using Alpaca.Host;
using Alpaca.Host.Torch;

// UTF-8 whatever the locale says: Chinese must survive pipes and Windows code pages.
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
LibTorch.Register();
return await CommandLine.InvokeAsync(args, CommandConsole.ForProcess());
