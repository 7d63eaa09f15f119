<#
    The functions that the restricted endpoints of sipnlb offer. Get-SipNlbState reads,
    Set-SipNlbPort enables or disables one port rule; neither can do anything else.

    They act on the rules of Rules.psd1 alone, which Install-SipNlb.ps1 writes and only
    administrators may change. They start a program of this host with arguments made of values
    that were held against a list; no text from a caller is ever evaluated. They speak to no other
    host and never use NLB remote control.

    Each returns one object, so that nothing is lost on the way:
        rc       exit status of the program; empty if there is none
        out, err the bytes that it printed, in base64
        problem  empty, or why it did not run to its end, beginning with
                 "not installed", "timed out", "not permitted" or "refused"

    A change has a number, and one with a lower number than the last is refused: ActionNumber.ps1.

    This module has not run on Windows yet. Only a Windows host can prove that a virtual account
    may start nlb.exe and is told what an elevated administrator is told.
#>

Set-StrictMode -Version 2.0

$programSeconds = 20
# In a restricted session some names stand for lesser functions, and others are not there because
# their module is not loaded by itself, so that what follows uses .NET and the language alone.
$system = [Environment]::GetFolderPath('System')
$nlb = [System.IO.Path]::Combine($system, 'nlb.exe')
$powerShell = [System.IO.Path]::Combine($system, 'WindowsPowerShell\v1.0\powershell.exe')
$scripts = [System.IO.Path]::Combine([Environment]::GetFolderPath('ProgramFiles'), 'SipNlb')

function Read-DataFile([string] $Path) {
    # As Import-PowerShellDataFile does: a file that holds one literal table, of which nothing runs.
    $tokens = $null
    $mistakes = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseFile(
        $Path, [ref]$tokens, [ref]$mistakes)
    if ($mistakes.Count) { throw "$Path is no table: $($mistakes[0].Message)" }
    $tree.EndBlock.Statements[0].PipelineElements[0].Expression.SafeGetValue()
}

# Enter-Action; for back end cim Set-SipNlbPort.ps1 calls it itself.
. ([System.IO.Path]::Combine($PSScriptRoot, 'ActionNumber.ps1'))

$known = Read-DataFile ([System.IO.Path]::Combine($PSScriptRoot, 'Rules.psd1'))

function New-Answer($Status, [byte[]] $Out, [byte[]] $Err, [string] $Problem) {
    [pscustomobject]@{
        rc = $Status
        out = [Convert]::ToBase64String($Out)
        err = [Convert]::ToBase64String($Err)
        problem = $Problem
    }
}

function Invoke-Program([string] $FileName, [string] $Arguments) {
    $start = [System.Diagnostics.ProcessStartInfo]::new($FileName, $Arguments)
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    try {
        $process = [System.Diagnostics.Process]::Start($start)
    }
    catch {
        return New-Answer $null @() @() "not installed: $FileName, $($_.Exception.Message)"
    }
    try {
        # Both streams are read as bytes and at once: a full pipe would hold the program up, and
        # which code page it prints in is for sipnlb's configuration to say.
        $process.StandardInput.Close()
        $out = [System.IO.MemoryStream]::new()
        $err = [System.IO.MemoryStream]::new()
        $copies = [System.Threading.Tasks.Task[]]@(
            $process.StandardOutput.BaseStream.CopyToAsync($out),
            $process.StandardError.BaseStream.CopyToAsync($err)
        )
        $status = $null
        $problem = ''
        if ($process.WaitForExit(1000 * $programSeconds)) {
            $status = $process.ExitCode
        }
        else {
            try { $process.Kill() } catch [InvalidOperationException] { } # it has just ended
            $problem = "timed out: $FileName was still running after $programSeconds s"
        }
        [void][System.Threading.Tasks.Task]::WaitAll($copies, 2000)
        New-Answer $status $out.ToArray() $err.ToArray() $problem
    }
    finally {
        $process.Dispose()
    }
}

function Invoke-Script([string] $Name, [string] $Arguments) {
    $file = [System.IO.Path]::Combine($scripts, $Name)
    $start = '-NoLogo -NoProfile -NonInteractive -ExecutionPolicy RemoteSigned -File'
    Invoke-Program $powerShell ("$start ""$file"" $Arguments".Trim())
}

function Invoke-Change([string] $Number, [string] $Arguments) {
    $entered = Enter-Action ([long]$Number) "nlb $Arguments"
    try {
        if ($entered.Refusal) { return New-Answer $null @() @() "refused: $($entered.Refusal)" }
        Invoke-Program $nlb $Arguments
    }
    finally {
        if ($null -ne $entered.Lock) { $entered.Lock.Dispose() }
    }
}

function Find-Rule([string] $Port, [string] $Vip) {
    foreach ($each in $known.Rules) {
        if ([string]$each.Start -eq $Port -and $each.Vip -eq $Vip) { return $each }
    }
}

function Get-PortSpec($Rule) {
    # documented: "PORT" stands for all addresses, IPv6 addresses stand in brackets
    if ($Rule.Vip -eq 'all') { return [string]$Rule.Start }
    if ($Rule.Vip.Contains(':')) { return "[$($Rule.Vip)]:$($Rule.Start)" }
    "$($Rule.Vip):$($Rule.Start)"
}

function Get-SipNlbState {
    <#
    .SYNOPSIS
        Reads the state of this host's NLB.
    .PARAMETER BackEnd
        nlb asks nlb.exe, cim runs Get-SipNlb.ps1, which tells everything at once.
    .PARAMETER What
        What nlb.exe is asked: query, queryport or params.
    .PARAMETER Port
        With queryport: first port of the rule.
    .PARAMETER Vip
        With queryport: all, or the virtual address that the rule names.
    #>
    [CmdletBinding()]
    param(
        [ValidateSet('nlb', 'cim')] [string] $BackEnd = 'nlb',
        [Parameter(Mandatory = $true)]
        [ValidateSet('query', 'queryport', 'params')] [string] $What,
        [ValidatePattern('^[0-9]{1,5}$')] [string] $Port,
        [ValidatePattern('^(all|[0-9A-Fa-f.:]{2,45})$')] [string] $Vip = 'all'
    )
    if ($BackEnd -eq 'cim') { return Invoke-Script 'Get-SipNlb.ps1' '' }
    if ($What -ne 'queryport') { return Invoke-Program $nlb $What }
    $rule = Find-Rule $Port $Vip
    if ($null -eq $rule) {
        return New-Answer $null @() @() "not permitted: $Vip $Port is no rule of Rules.psd1"
    }
    Invoke-Program $nlb "queryport $(Get-PortSpec $rule)"
}

function Set-SipNlbPort {
    <#
    .SYNOPSIS
        Enables or disables one port rule of this host's NLB.
    .PARAMETER BackEnd
        nlb runs nlb.exe, cim runs Set-SipNlbPort.ps1.
    .PARAMETER ClusterIp
        With cim: primary address of the NLB cluster that the caller means.
    .PARAMETER HostId
        With cim: priority of the host that the caller means.
    .PARAMETER Port
        First port of the rule. NLB switches the whole rule.
    .PARAMETER Vip
        all, or the virtual address that the rule names.
    .PARAMETER Action
        enable or disable.
    .PARAMETER Number
        Number of the change, higher than those of all changes before it.
    #>
    [CmdletBinding()]
    param(
        [ValidateSet('nlb', 'cim')] [string] $BackEnd = 'nlb',
        [ValidatePattern('^[0-9A-Fa-f.:]{2,45}$')] [string] $ClusterIp,
        [ValidatePattern('^[0-9]{1,2}$')] [string] $HostId,
        [Parameter(Mandatory = $true)] [ValidatePattern('^[0-9]{1,5}$')] [string] $Port,
        [Parameter(Mandatory = $true)]
        [ValidatePattern('^(all|[0-9A-Fa-f.:]{2,45})$')] [string] $Vip,
        [Parameter(Mandatory = $true)] [ValidateSet('enable', 'disable')] [string] $Action,
        [Parameter(Mandatory = $true)]
        [ValidatePattern('^[1-9][0-9]{0,17}$')] [string] $Number
    )
    $rule = Find-Rule $Port $Vip
    if ($null -eq $rule) {
        return New-Answer $null @() @() "not permitted: $Vip $Port is no rule of Rules.psd1"
    }
    if ($BackEnd -eq 'nlb') { return Invoke-Change $Number "$Action $(Get-PortSpec $rule)" }
    if (-not $known.ClusterIp -or -not $known.HostId) {
        return New-Answer $null @() @() 'not permitted: Rules.psd1 names no ClusterIp and HostId'
    }
    # A host may have the same rule in several clusters: what was read is what must be switched.
    if ($ClusterIp -ne $known.ClusterIp -or $HostId -ne [string]$known.HostId) {
        $own = "cluster $($known.ClusterIp), host id $($known.HostId)"
        return New-Answer $null @() @() "not permitted: Rules.psd1 names $own"
    }
    $arguments = @(
        '-Action', $Action, '-ClusterIp', $known.ClusterIp, '-HostId', $known.HostId,
        '-Vip', $rule.Vip, '-StartPort', $rule.Start, '-EndPort', $rule.End,
        '-Protocol', $rule.Protocol, '-Number', $Number
    )
    Invoke-Script 'Set-SipNlbPort.ps1' ($arguments -join ' ')
}

Export-ModuleMember -Function @('Get-SipNlbState', 'Set-SipNlbPort')
