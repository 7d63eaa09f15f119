"""Checks of the way to a host: reached, utility there, rights, answers understood. Pure.

The reasons of failed readings say which of them it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cluster.config_runners import SshSettings, WinrmSettings
from cluster.identity import FOREIGN
from cluster.model import REASON_TEXT, Problem, Reading, Reason
from exporter.checks_subject import OfHost
from exporter.findings import Verdict, elsewhere, right, wrong

NOT_REACHED = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT, Reason.BUSY})
NO_UTILITY = frozenset({Reason.NOT_INSTALLED})
NO_RIGHTS = frozenset({Reason.NOT_INSTALLED_OR_DENIED, Reason.HTTP_STATUS})
NOT_ASKED = frozenset({Reason.BUG, Reason.NEVER_READ, Reason.STALE})

_MEND_ACCESS = {
    "local": "run it by hand on this machine; does it answer?",
    "ssh": "is the host up, its SSH port open to this machine, its host key in known_hosts, the "
    "account's key accepted?",
    "winrm": "is the host up, WinRM open to this machine, the endpoint registered? Where its "
    "certificate is refused: ca_file names who signed it, hostname the name it bears",
    "peer": "does the exporter on that host run, and is its port open to this machine?",
}
_MEND_UTILITY = {
    "winrm": "register the endpoint on the host (remediator/windows), or put its name right",
}
_INSTALL = "install the NLB tools on the host (features NLB and RSAT-NLB), or put nlb.program right"
_MEND_RIGHTS = {
    "local": "run it elevated, as a local Administrator, and let it start the utility",
    "ssh": "let the account log in with its key, and make it a local Administrator of the host",
    "winrm": "let the account's group enter the endpoint (remediator/windows)",
    "peer": "give runner the credentials that the exporter on that host asks for",
}
_NO_NLB = "; or the feature NLB is not installed there, or not bound to the adapter"
_MEND_READING = {
    Reason.OTHER_HOST: "two hosts with one id never converge, and a runner or program that leads "
    "to another host reads the wrong one: put host_id, runner and program right",
    Reason.OTHER_CLUSTER: "put cluster_ip (or virtual_ip) right, or the host's address",
    Reason.UNKNOWN_TEXT: "try 'sipnlb-exporter explain' with what it prints, put nlb.code_page "
    "right, or write its words into nlb.phrases_file",
    Reason.BUG: "report it, with the page /probe?cluster=NAME&debug=true",
}
_WHOLE_ANSWER = "peer"
"""The source of a reading whose whole answer was refused; else it names what it came from."""

_SAME_ON_BOTH = (
    "write cluster and host by the same names, with the same host_id and port_rules, into "
    "clusters.yml of both nodes"
)


def was_asked(of: OfHost) -> bool:
    """Tell whether the host could be asked at all."""
    return _any_but(of, NOT_ASKED)


def answered(of: OfHost) -> bool:
    """Tell whether anything came back from the host."""
    return _any_but(of, NOT_REACHED | NOT_ASKED)


def utility_answered(of: OfHost) -> bool:
    """Tell whether the NLB utility, or who reads it there, answered."""
    return _any_but(of, NOT_REACHED | NOT_ASKED | NO_UTILITY)


def admitted(of: OfHost) -> bool:
    """Tell whether anything was said of NLB, right or not."""
    return _any_but(of, NOT_REACHED | NO_UTILITY | NO_RIGHTS)


def reachable(of: OfHost) -> Iterator[Verdict]:
    """Say whether the host answers at all."""
    failed = _failed(of, NOT_REACHED)
    if failed is None:
        yield right(f"answers, by runner {of.host.runner.type}")
    else:
        yield wrong(_said(failed), _by_hand(failed, _MEND_ACCESS[of.host.runner.type]))


def utility(of: OfHost) -> Iterator[Verdict]:
    """Say whether the NLB utility can be started."""
    failed = _failed(of, NO_UTILITY)
    if failed is not None:
        mend = _MEND_UTILITY.get(of.host.runner.type, _INSTALL)
        yield wrong(_said(failed), _by_hand(failed, mend))
    else:
        yield right("answers")


def rights(of: OfHost) -> Iterator[Verdict]:
    """Say whether the account may ask NLB."""
    failed = _failed(of, NO_RIGHTS)
    if failed is not None:
        mend = _MEND_RIGHTS[of.host.runner.type]
        denied = failed[1].reason is Reason.NOT_INSTALLED_OR_DENIED
        yield wrong(_said(failed), mend + (_NO_NLB if denied else ""))
    else:
        yield right("sufficient to read")


def readable(of: OfHost) -> Iterator[Verdict]:
    """Say whether the answers are understood and are this host's and cluster's."""
    said = set()
    for reading in _nlb(of):
        problem = reading.problem
        if problem is None or problem.reason in NOT_REACHED | NO_UTILITY | NO_RIGHTS:
            continue
        if problem not in said:
            mend = _MEND_READING.get(problem.reason, "see what it prints")
            if of.host.is_peer and problem.reason in FOREIGN and reading.source == _WHOLE_ANSWER:
                mend = _SAME_ON_BOTH
            yield wrong(_said((reading, problem)), _by_hand((reading, problem), mend))
        said.add(problem)
    if not said:
        yield right("answers are understood")


def accounts_apart(of: OfHost) -> Iterator[Verdict]:
    """Say whether the exporter's account is another than the one that switches ports."""
    runner = of.host.runner
    if not isinstance(runner, SshSettings | WinrmSettings):
        return
    level = of.config.remediator.policy.level
    if runner.act is None and level != "observe":
        yield wrong(
            f"read alone, and remediator.policy.level is {level}: no account may change a port "
            "here",
            "add act to the host's runner, or set the level to observe",
        )
        return
    if runner.act is None:
        yield right("read alone: nothing is changed on this host")
        return
    same = _in_common(runner.read, runner.act)
    if same:
        yield wrong(
            f"read and act have the same {' and '.join(same)}",
            "give act an account of its own that alone may enable and disable: whoever takes the "
            "exporter's must not be able to switch a port",
        )
    elif isinstance(runner, WinrmSettings) and _by_ticket(runner):
        yield elsewhere(
            "by the Kerberos ticket of the account that each program runs as",
            "run exporter and remediator as two accounts, of which one alone may enter the "
            "endpoint that switches ports",
        )
    else:
        yield right("read and act are apart")


def _in_common(read: Any, act: Any) -> list[str]:
    """Return what two accounts both have. Windows does not tell upper from lower case."""
    reads, acts = read.model_dump(), act.model_dump()
    secrets = ("user", "key_file", "password_file", "certificate_file")
    return [key for key in secrets if _same(reads.get(key), acts.get(key))]


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one.casefold() == other.casefold()


def _by_ticket(runner: WinrmSettings) -> bool:
    """Tell whether an account is whoever sipnlb runs as."""
    accounts = (runner.read, runner.act)
    return runner.auth == "kerberos" and any(each and each.user is None for each in accounts)


def _nlb(of: OfHost) -> tuple[Reading[Any], ...]:
    view = of.view
    return (view.node, *(reading for _, reading in view.ports), view.params)


def _failed(of: OfHost, reasons: frozenset[Reason]) -> tuple[Reading[Any], Problem] | None:
    """Return the first NLB reading that failed for one of the reasons."""
    for reading in _nlb(of):
        if reading.problem is not None and reading.problem.reason in reasons:
            return reading, reading.problem
    return None


def _any_but(of: OfHost, reasons: frozenset[Reason]) -> bool:
    return any(
        reading.problem is None or reading.problem.reason not in reasons for reading in _nlb(of)
    )


def _said(failed: tuple[Reading[Any], Problem]) -> str:
    reading, problem = failed
    more = f": {problem.text}" if problem.text else ""
    return f"{reading.source}: {REASON_TEXT[problem.reason]}{more}"


def _by_hand(failed: tuple[Reading[Any], Problem], mend: str) -> str:
    command = failed[0].command
    return f"{mend} (by hand: {command})" if command else mend
