#Requires -Version 5.1
#Requires -PSEdition Desktop
#Requires -RunAsAdministrator
<#
.SYNOPSIS
    Sets up the restricted PowerShell endpoints through which sipnlb reads and switches this host.
.DESCRIPTION
    Copies the module SipNlb and the scripts of back end "cim" to folders that only administrators
    may write, writes into them which port rules may be switched, makes a folder for the number of
    the last change and one for transcripts, and registers the endpoint SipNlbRead and, with -ActGroup, the endpoint SipNlb. Run it again to
    change groups or rules: everything it wrote is written anew. Uninstall-SipNlb.ps1 undoes it.

    Registering an endpoint needs a restart of the service WinRM, which ends all remote PowerShell
    sessions on this host. It is restarted once, at the end, unless -NoRestart is given.

    It changes nothing of NLB, and no listener, firewall rule or account.
.PARAMETER ReadGroup
    Group (DOMAIN\name) whose members may enter SipNlbRead: the account of sipnlb-exporter, and the
    reading account of sipnlb-remediator.
.PARAMETER ActGroup
    Group whose members may enter SipNlb: the acting account of sipnlb-remediator, no other.
    Without it this host can be read but not switched, and SipNlb is unregistered.
.PARAMETER Rule
    The port rules, exactly as "nlb params" lists them: VIP:START[-END][/PROTOCOL], such as
    all:5060-5061/both, 10.0.0.100:5060/udp or [fd00::100]:5060. PROTOCOL is both by default.
.PARAMETER ClusterIp
    Primary address of the NLB cluster; needed where back end cim is to switch ports.
.PARAMETER HostId
    This host's NLB priority; needed where back end cim is to switch ports.
.PARAMETER TranscriptDirectory
    Where the transcript of each session is kept.
.PARAMETER NoRestart
    Leave the restart of WinRM to you; the endpoints exist after it.
.EXAMPLE
    .\Install-SipNlb.ps1 -ReadGroup 'EXAMPLE\sip-nlb-read' -ActGroup 'EXAMPLE\sip-nlb-ops' `
        -Rule 'all:5060-5061/both' -WhatIf
.NOTES
    This script has not run on Windows yet; try it on a host that carries no traffic.
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
param(
    [Parameter(Mandatory = $true)] [ValidateNotNullOrEmpty()] [string] $ReadGroup,
    [string] $ActGroup = '',
    [Parameter(Mandatory = $true)]
    [ValidatePattern('^(all|[0-9.]{7,15}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp|both))?$')]
    [string[]] $Rule,
    [ValidatePattern('^([0-9A-Fa-f.:]{2,45})?$')] [string] $ClusterIp = '',
    [ValidateRange(0, 32)] [int] $HostId = 0,
    [ValidatePattern("^[^'`"]+$")]
    [string] $TranscriptDirectory = 'C:\ProgramData\SipNlb\Transcripts',
    [switch] $NoRestart
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
if ([Environment]::Is64BitOperatingSystem -and -not [Environment]::Is64BitProcess) {
    throw 'this is the 32-bit PowerShell, which sees other folders; start the 64-bit one'
}
$module = Join-Path $env:ProgramFiles 'WindowsPowerShell\Modules\SipNlb'
$folder = Join-Path $env:ProgramFiles 'SipNlb'
# Beside this script, or where the project keeps it.
$readScript = Join-Path $PSScriptRoot 'Get-SipNlb.ps1'
if (-not (Test-Path $readScript)) {
    $readScript = Join-Path $PSScriptRoot '..\..\cluster\nlb\windows\Get-SipNlb.ps1'
}
$actScript = Join-Path $PSScriptRoot 'Set-SipNlbPort.ps1'
$numberScript = Join-Path $PSScriptRoot 'ActionNumber.ps1'
$data = Join-Path $env:ProgramData 'SipNlb'

function Assert-Group([string] $Name) {
    # A misspelt group would leave an endpoint that nobody can enter.
    try {
        [void]([System.Security.Principal.NTAccount]$Name).Translate(
            [System.Security.Principal.SecurityIdentifier])
    }
    catch { throw "$Name is no account that this host knows; write it as DOMAIN\name" }
    if ($Name.Contains("'")) { throw "$Name must not contain a quotation mark" }
}

function ConvertTo-Rule([string] $Text) {
    [void]($Text -match '^(?<vip>all|[0-9.]+|\[[^\]]+\]):(?<start>\d+)(-(?<end>\d+))?(/(?<protocol>\w+))?$')
    $found = @{ Vip = $Matches.vip.Trim('[', ']').ToLowerInvariant(); Start = [int]$Matches.start }
    $found.End = $found.Start
    if ($Matches.ContainsKey('end')) { $found.End = [int]$Matches.end }
    $found.Protocol = 'both'
    if ($Matches.ContainsKey('protocol')) { $found.Protocol = $Matches.protocol.ToLowerInvariant() }
    if ($found.Start -gt $found.End -or $found.End -gt 65535) { throw "$Text is no range of ports" }
    if ($found.Vip -ne 'all') { $found.Vip = ([ipaddress]$found.Vip).ToString() }
    $found
}

function Copy-File([string] $Path, [string] $Folder) {
    # What was downloaded carries a mark, with which RemoteSigned would not let it run.
    Copy-Item -Force -Path $Path -Destination $Folder
    $copy = Join-Path $Folder (Split-Path -Leaf $Path)
    if (Test-Path $copy) { Unblock-File -Path $copy }
}

function Write-Text([string] $Path, [string[]] $Lines) {
    if ($PSCmdlet.ShouldProcess($Path, 'write')) {
        [System.IO.File]::WriteAllLines($Path, $Lines, [System.Text.UTF8Encoding]::new($true))
    }
}

function ConvertTo-List([object[]] $Values) {
    # The values were held against patterns: no quotation mark can stand in them.
    '@(' + (($Values | Sort-Object -Unique | ForEach-Object { "'$_'" }) -join ', ') + ')'
}

function Write-Module([object[]] $Rules) {
    New-Item -ItemType Directory -Force -Path (Join-Path $module 'RoleCapabilities') | Out-Null
    foreach ($name in 'SipNlb.psd1', 'SipNlb.psm1') {
        Copy-File (Join-Path $PSScriptRoot "SipNlb\$name") $module
    }
    Copy-File $numberScript $module
    $lines = @(
        '# Which port rules of this host may be read and switched. Written by Install-SipNlb.ps1.'
        '@{'
        "    ClusterIp = '$ClusterIp'"
        "    HostId = $HostId"
        '    Rules = @('
    )
    foreach ($each in $Rules) {
        $lines += "        @{ Vip = '$($each.Vip)'; Start = $($each.Start); " +
            "End = $($each.End); Protocol = '$($each.Protocol)' }"
    }
    Write-Text (Join-Path $module 'Rules.psd1') ($lines + '    )' + '}')
    $ports = ConvertTo-List ($Rules | ForEach-Object { $_.Start })
    $vips = ConvertTo-List ($Rules | ForEach-Object { $_.Vip })
    foreach ($name in 'SipNlbRead.psrc', 'SipNlb.psrc') {
        $text = Get-Content -Path (Join-Path $PSScriptRoot "SipNlb\RoleCapabilities\$name")
        $text = $text -replace '@\(.*\) \} # PORTS$', "$ports } # PORTS"
        $text = $text -replace '@\(.*\) \} # VIPS$', "$vips } # VIPS"
        Write-Text (Join-Path $module "RoleCapabilities\$name") $text
    }
}

function New-OwnDirectory([string] $Path) {
    New-Item -ItemType Directory -Force -Path $Path | Out-Null
    if ($PSCmdlet.ShouldProcess($Path, 'let only administrators into it')) {
        $rights = [System.Security.AccessControl.DirectorySecurity]::new()
        # Administrators own it; they and SYSTEM may do all, for all in it; nothing is inherited.
        $rights.SetSecurityDescriptorSddlForm('O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
        Set-Acl -Path $Path -AclObject $rights
    }
}

function Register-Endpoint([string] $Name, [string] $Group) {
    $file = Join-Path $folder "$Name.pssc"
    $text = Get-Content -Path (Join-Path $PSScriptRoot "$Name.pssc")
    $text = $text -replace "'EXAMPLE\\[^']*'", "'$($Group.Replace('$', '$$'))'"
    $text = $text -replace "TranscriptDirectory = '.*'",
        "TranscriptDirectory = '$($TranscriptDirectory.Replace('$', '$$'))'"
    Write-Text $file $text
    if ($PSCmdlet.ShouldProcess($Name, "register the endpoint for $Group")) {
        if (-not (Test-PSSessionConfigurationFile -Path $file)) { throw "$file is not sound" }
        Unregister-Endpoint $Name
        Register-PSSessionConfiguration -Name $Name -Path $file -Force -NoServiceRestart | Out-Null
    }
}

function Unregister-Endpoint([string] $Name) {
    if (Get-PSSessionConfiguration -Name $Name -ErrorAction SilentlyContinue) {
        if ($PSCmdlet.ShouldProcess($Name, 'unregister the endpoint')) {
            Unregister-PSSessionConfiguration -Name $Name -Force -NoServiceRestart
        }
    }
}

$rules = @($Rule | ForEach-Object { ConvertTo-Rule $_ })
if ($ClusterIp) { $ClusterIp = ([ipaddress]$ClusterIp).ToString() }
Assert-Group $ReadGroup
if ($ActGroup) {
    Assert-Group $ActGroup
    if ($ActGroup -eq $ReadGroup) { throw 'ReadGroup and ActGroup must be two groups' }
}
if (-not (Test-Path (Join-Path $env:SystemRoot 'System32\nlb.exe'))) {
    Write-Warning 'nlb.exe is not on this host: is the feature NLB installed?'
}

Write-Module $rules
New-Item -ItemType Directory -Force -Path $folder | Out-Null
foreach ($script in $readScript, $actScript, $numberScript) {
    if (Test-Path $script) { Copy-File $script $folder }
    else { Write-Warning "$script is missing: back end cim will not work" }
}
# Where ActionNumber.ps1 keeps the number of the last change, and the transcripts.
New-OwnDirectory $data
New-OwnDirectory $TranscriptDirectory
Register-Endpoint 'SipNlbRead' $ReadGroup
if ($ActGroup) { Register-Endpoint 'SipNlb' $ActGroup }
else { Unregister-Endpoint 'SipNlb' }

if ($NoRestart) {
    Write-Warning 'Restart the service WinRM for the endpoints to exist: Restart-Service WinRM'
}
else {
    Write-Warning 'WinRM is restarted: all remote PowerShell sessions on this host end now.'
    Write-Warning 'If it stays in "stopping", end the process of the service; see README.md.'
    if ($PSCmdlet.ShouldProcess('WinRM', 'restart the service')) { Restart-Service -Name WinRM }
}

[pscustomobject]@{
    Module = $module
    Scripts = $folder
    Transcripts = $TranscriptDirectory
    Rules = ($rules | ForEach-Object { "$($_.Vip) $($_.Start)-$($_.End) $($_.Protocol)" }) -join '; '
    SipNlbRead = $ReadGroup
    SipNlb = $(if ($ActGroup) { $ActGroup } else { 'not registered' })
    WhatIf = [bool]$WhatIfPreference
}
