#Requires -Version 5.1
#Requires -PSEdition Desktop
#Requires -RunAsAdministrator
<#
.SYNOPSIS
    Undoes Install-SipNlb.ps1: unregisters both endpoints and removes module and scripts.
.DESCRIPTION
    Transcripts are kept, because they are a record, and the number of the last change, so that a
    change that was held up is refused after a new set-up too; remove them yourself. NLB,
    listeners, firewall rules, groups and accounts are not touched. The service WinRM is restarted once, which ends all
    remote PowerShell sessions on this host, unless -NoRestart is given.
.PARAMETER NoRestart
    Leave the restart of WinRM to you; until then sessions that are open go on.
.NOTES
    This script has not run on Windows yet; try it on a host that carries no traffic.
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
param([switch] $NoRestart)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
if ([Environment]::Is64BitOperatingSystem -and -not [Environment]::Is64BitProcess) {
    throw 'this is the 32-bit PowerShell, which sees other folders; start the 64-bit one'
}

foreach ($name in 'SipNlb', 'SipNlbRead') {
    if (Get-PSSessionConfiguration -Name $name -ErrorAction SilentlyContinue) {
        if ($PSCmdlet.ShouldProcess($name, 'unregister the endpoint')) {
            Unregister-PSSessionConfiguration -Name $name -Force -NoServiceRestart
        }
    }
}
# Other ways in keep files of their own in the folder of the scripts: only the set-up's are removed.
$module = Join-Path $env:ProgramFiles 'WindowsPowerShell\Modules\SipNlb'
$folder = Join-Path $env:ProgramFiles 'SipNlb'
$files = 'Get-SipNlb.ps1', 'Set-SipNlbPort.ps1', 'ActionNumber.ps1', 'SipNlbRead.pssc', 'SipNlb.pssc'
foreach ($path in @($module) + @($files | ForEach-Object { Join-Path $folder $_ })) {
    if (Test-Path $path) { Remove-Item -Recurse -Force -Path $path }
}
if ((Test-Path $folder) -and -not (Get-ChildItem -Path $folder)) { Remove-Item -Path $folder }
if (-not $NoRestart) {
    Write-Warning 'WinRM is restarted: all remote PowerShell sessions on this host end now.'
    if ($PSCmdlet.ShouldProcess('WinRM', 'restart the service')) { Restart-Service -Name WinRM }
}
