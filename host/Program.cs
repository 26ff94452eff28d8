Alpaca.Host.Torch.LibTorch.Register();
