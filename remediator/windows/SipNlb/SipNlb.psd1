@{
    RootModule = 'SipNlb.psm1'
    ModuleVersion = '1.0.0'
    GUID = '5b2c7c0e-6a3f-4d0b-9f0e-2f7f5f1f6a11'
    Description = 'Reads this host''s NLB and enables or disables its listed port rules, for sipnlb.'
    PowerShellVersion = '5.1'
    FunctionsToExport = @('Get-SipNlbState', 'Set-SipNlbPort')
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
}
