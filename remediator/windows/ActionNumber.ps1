<#
    The number of the last change that this host has seen; a change with a lower one is refused.
    Set-SipNlbPort.ps1 and the module SipNlb load this file.

    sipnlb numbers its changes upward, whichever of its processes makes them. A process that was
    held up (a paused virtual machine, say) may send a change after another has taken over and sent
    its own. Such a change is refused here. The same number counts again only for the same command.

    The number stands in one line of C:\ProgramData\SipNlb\last-action, "1 NUMBER COMMAND", and is
    on the disk before the port is touched. Whoever changes a port holds last-action.lock from the
    check to the end of the change, so that none overtakes another between the two.

    A file that cannot be read refuses every change: whether a change is old is then not known. A
    file that is not there refuses none: so it is on a new host, and after an administrator removed
    it to begin anew (see README.md).

    It uses .NET and the language alone, as a restricted session wants it. It has not run on
    Windows yet. Only a Windows host can prove that the folder gets its rights, and that the file is
    replaced whole (assumed of ReplaceFile on NTFS).
#>

$actionFolder = [System.IO.Path]::Combine(
    [Environment]::GetFolderPath('CommonApplicationData'), 'SipNlb')
$actionFile = [System.IO.Path]::Combine($actionFolder, 'last-action')

function New-ActionFolder {
    if ([System.IO.Directory]::Exists($actionFolder)) { return }
    $rights = [Activator]::CreateInstance([System.Security.AccessControl.DirectorySecurity])
    # Administrators own it; they and SYSTEM may do all, for all in it; nothing is inherited.
    $rights.SetSecurityDescriptorSddlForm('O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
    [void][System.IO.Directory]::CreateDirectory($actionFolder, $rights)
}

function Open-ActionLock {
    # Returns the open lock, or nothing while another change holds it. It ends with its process.
    for ($try = 0; $try -lt 40; $try++) {
        try {
            return [System.IO.File]::Open(
                "$actionFile.lock", [System.IO.FileMode]::OpenOrCreate,
                [System.IO.FileAccess]::ReadWrite, [System.IO.FileShare]::None)
        }
        catch [System.IO.IOException] { [System.Threading.Thread]::Sleep(50) }
    }
}

function Write-Action([long] $Number, [string] $Command) {
    $bytes = [System.Text.Encoding]::ASCII.GetBytes("1 $Number $Command`n")
    $new = [System.IO.File]::Create("$actionFile.new")
    try {
        $new.Write($bytes, 0, $bytes.Length)
        $new.Flush($true)
    }
    finally { $new.Dispose() }
    if ([System.IO.File]::Exists($actionFile)) {
        [System.IO.File]::Replace("$actionFile.new", $actionFile, [NullString]::Value)
    }
    else { [System.IO.File]::Move("$actionFile.new", $actionFile) }
}

function Get-Refusal([long] $Number, [string] $Command) {
    # Returns why a change is refused, or nothing. Only with the lock.
    if (-not [System.IO.File]::Exists($actionFile)) { return }
    $text = [System.IO.File]::ReadAllText($actionFile)
    $found = [regex]::Match(
        $text, '\A1 (?<number>[1-9][0-9]{0,17}) (?<command>[ -~]{1,200})\n\z')
    if (-not $found.Success) {
        return 'what number the last change had cannot be read; an administrator of the host ' +
            "must look at $actionFile and remove it"
    }
    $last = [long]$found.Groups['number'].Value
    if ($Number -lt $last) {
        return "the host has seen a later command, number $last; this one has $Number"
    }
    if ($Number -eq $last -and $Command -cne $found.Groups['command'].Value) {
        return "the host has seen another command with the same number $Number"
    }
}

function Enter-Action([long] $Number, [string] $Command) {
    # Returns the lock, to be closed after the change, and why the change is refused, if it is.
    # Whatever fails in here refuses.
    $ErrorActionPreference = 'Stop'
    $entered = @{ Lock = $null; Refusal = '' }
    try {
        New-ActionFolder
        $entered.Lock = Open-ActionLock
        if ($null -eq $entered.Lock) {
            $entered.Refusal = 'another change is still under way on this host'
            return $entered
        }
        $entered.Refusal = [string](Get-Refusal $Number $Command)
        if (-not $entered.Refusal) { Write-Action $Number $Command }
    }
    catch {
        $entered.Refusal = "the number of the change cannot be kept: $($_.Exception.Message)"
    }
    $entered
}
