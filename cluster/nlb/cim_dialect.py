"""How back end ``cim`` is spoken to: a request → the start of a PowerShell script. Pure.

Every argument is made of configuration and follows its own ``-Name``; both scripts hold them
against their param block again. The list is handed to the system as it is: with ``-File``,
PowerShell takes each as a text and evaluates none (documented: about_PowerShell_exe). Who makes
one line of it, as SSH must, has to quote it for the shell at the other end.
"""

from __future__ import annotations

from dataclasses import dataclass

from cluster.model import Problem, Reason
from cluster.nlb.cim_answer import parse_result, shown
from cluster.nlb.dialect import Outcome
from cluster.nlb.output import decode
from cluster.runners.request import Answer, Request

READ_SCRIPT = "Get-SipNlb.ps1"
ACT_SCRIPT = "Set-SipNlbPort.ps1"
DEFAULT_SCRIPTS = r"C:\Program Files\SipNlb"
"""Only administrators may write there, as must be: what lies there runs with their rights."""

START = ("-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "RemoteSigned", "-File")
"""RemoteSigned lets unsigned scripts of this machine run; a group policy comes before it."""


@dataclass(frozen=True, slots=True)
class CimDialect:
    """The two scripts on one host.

    program: path of powershell.exe. scripts: folder that holds both scripts. cluster_ip,
    host_id: of the NLB cluster and node that a change is for.
    """

    program: str
    scripts: str
    cluster_ip: str
    host_id: int
    name: str = "cim"

    def argv(self, request: Request) -> tuple[str, ...]:
        """Return the command line. One read-out answers every request that only reads."""
        if not request.changes:
            return (self.program, *START, self._path(READ_SCRIPT))
        assert request.rule is not None
        assert request.number is not None
        rule = request.rule
        given = {
            "-Action": str(request.verb),
            "-ClusterIp": self.cluster_ip,
            "-HostId": str(self.host_id),
            "-Vip": rule.vip,
            "-StartPort": str(rule.start),
            "-EndPort": str(rule.end),
            "-Protocol": rule.protocol,
            "-Number": str(request.number),
        }
        arguments = (text for pair in given.items() for text in pair)
        return (self.program, *START, self._path(ACT_SCRIPT), *arguments)

    def _path(self, script: str) -> str:
        separator = "/" if "/" in self.scripts else "\\"
        return self.scripts.rstrip("/\\") + separator + script

    def outcome(self, answer: Answer) -> Outcome:
        """Read the number that the method returned."""
        result, failure = parse_result(answer.stdout)
        text = decode(answer.stdout + answer.stderr, "utf-8")
        return Outcome(result, text, None if answer.problem else complained(failure, answer))


def complained(failure: Problem | None, answer: Answer) -> Problem | None:
    """Add what stands on the error channel where a script printed nothing itself.

    PowerShell complains there of what keeps a script from starting.
    """
    complaint = shown(decode(answer.stderr, "utf-8"))
    if failure is None or failure.reason is not Reason.NO_OUTPUT or not complaint:
        return failure
    return Problem(failure.reason, f"{failure.text}, but complained: {complaint}")
