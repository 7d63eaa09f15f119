@echo off
rem The only command that an account of sipnlb may run over SSH: one of five requests to nlb.exe.
rem
rem sshd starts it instead of what was asked for (ForceCommand) and hands over what was asked for
rem in SSH_ORIGINAL_COMMAND. That text is compared, whole and letter by letter, with the requests
rem on the list; it is never carried out, and nothing of it becomes part of a command.
rem
rem   ssh-forced-command.cmd read     query, params, queryport RULE
rem   ssh-forced-command.cmd act      enable RULE, disable RULE as well
rem
rem NOT TRIED ON WINDOWS YET. See openssh.md beside this file. In clusters.yml: shell: cmd.

setlocal EnableExtensions EnableDelayedExpansion
set "RUN="

rem The port rules, as sipnlb names them: PORT (the first one), or VIP:PORT where the rule names an
rem address. Several with a blank between them.
set "RULES=5060"

rem As in clusters.yml (nlb.program), or the default.
set "NLB=C:\Windows\System32\nlb.exe"

for %%V in (query params) do if "!SSH_ORIGINAL_COMMAND!"=="!NLB! %%V" set "RUN=%%V"
for %%R in (%RULES%) do (
  if "!SSH_ORIGINAL_COMMAND!"=="!NLB! queryport %%R" set "RUN=queryport %%R"
  if "%~1"=="act" for %%V in (enable disable) do (
    if "!SSH_ORIGINAL_COMMAND!"=="!NLB! %%V %%R" set "RUN=%%V %%R"
  )
)
if not defined RUN (
  >&2 echo sipnlb: this request is not on the list of ssh-forced-command.cmd
  exit /b 1
)
"!NLB!" !RUN!
exit /b !ERRORLEVEL!
