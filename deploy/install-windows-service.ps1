# Registers the published folder as a Windows service. Run as administrator:
#   .\install-windows-service.ps1 -Folder C:\Alpaca -Config C:\Alpaca\appsettings.json
param(
    [Parameter(Mandatory)] [string] $Folder,
    [Parameter(Mandatory)] [string] $Config,
    [string] $Name = "Alpaca"
)
$ErrorActionPreference = "Stop"
$executable = Join-Path $Folder "alpaca.exe"
if (-not (Test-Path $executable)) { throw "$executable does not exist; publish the host to $Folder first." }
if (-not (Test-Path $Config)) { throw "$Config does not exist." }
New-Service -Name $Name -DisplayName "Alpaca: LLaMA retraining worker" -StartupType Automatic `
    -BinaryPathName "`"$executable`" serve --config `"$Config`""
Start-Service -Name $Name
