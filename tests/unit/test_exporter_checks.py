"""The table of checks as a whole: what is run, in which order, and what is left out."""

from __future__ import annotations

from dataclasses import replace

from cluster.model import NodeState, Problem, Reason, SipMode
from exporter.checks import CLUSTER_CHECKS, HOST_CHECKS, cluster_findings
from exporter.findings import Finding, Mark, all_right
from tests.unit import check_samples as check
from tests.unit import exporter_samples as samples


def found(*hosts: object) -> tuple[Finding, ...]:
    """Return all findings of porto."""
    view = samples.view(*hosts) if hosts else check.healthy()  # type: ignore[arg-type]
    return tuple(cluster_findings(samples.config(), samples.cluster(), view, None))


def of(findings: tuple[Finding, ...], host: str | None) -> dict[str, Mark]:
    """Return the marks of a host, or of the cluster, by check."""
    return {each.check: each.verdict.mark for each in findings if each.host == host}


def test_every_finding_has_its_place_and_hosts_come_before_the_cluster() -> None:
    """The order is that of the configuration."""
    findings = found()
    assert {each.cluster for each in findings} == {"porto"}
    hosts = [each.host for each in findings]
    assert list(dict.fromkeys(hosts)) == ["porto-1", "porto-2", None]


def test_a_healthy_host_is_told_by_every_check_that_concerns_it() -> None:
    """Accounts, second network and several sources do not concern porto-1."""
    marks = of(found(), "porto-1")
    silent = {"accounts", "second network", "sources agree"}
    assert list(marks) == [each.name for each in HOST_CHECKS if each.name not in silent]
    assert {name for name, mark in marks.items() if mark is not Mark.RIGHT} == {"clock"}


def test_a_dead_host_is_one_wrong_line_and_one_of_what_is_not_told() -> None:
    """It does not fill the page with what follows from it."""
    problem = Problem(Reason.TIMEOUT, "5.0 s")
    dead = check.failed(check.healthy().hosts[1], problem)
    findings = found(check.healthy().hosts[0], dead)
    assert of(findings, "porto-2") == {
        "reachable": Mark.WRONG,
        "speed": Mark.RIGHT,
        "mode source": Mark.RIGHT,
        "SCS": Mark.WRONG,
        "HA link": Mark.RIGHT,
        "not told": Mark.UNKNOWN,
    }
    untold = next(each for each in findings if each.check == "not told")
    assert untold.verdict.text == (
        "utility, rights, readable, one NLB cluster, rule, filtering, affinity, converged, members, operation mode, "
        "cluster MAC, remote control, second network, clock"
    )
    assert untold.verdict.advice == "mend what is wrong above, then check again"
    assert of(findings, "porto-1")["reachable"] is Mark.RIGHT


def test_what_one_reading_lacks_leaves_the_others_checks_alone() -> None:
    """Without parameters the node is still checked."""
    view = replace(samples.primary(), params=samples.params(problem=Problem(Reason.MALFORMED, "")))
    marks = of(found(view, samples.backup()), "porto-1")
    assert (marks["readable"], marks["converged"]) == (Mark.WRONG, Mark.RIGHT)
    assert "rule" not in marks
    view = replace(samples.primary(), node=samples.node(NodeState.UNKNOWN, problem=check.DEAD))
    marks = of(found(view, samples.backup()), "porto-1")
    assert (marks["rule"], "converged" in marks) == (Mark.RIGHT, False)


def test_the_cluster_is_told_by_every_check_that_concerns_it() -> None:
    """The neighbour table could not be read here, and no service is probed."""
    marks = of(found(), None)
    silent = {"service probe", "virtual IP"}
    assert list(marks) == [each.name for each in CLUSTER_CHECKS if each.name not in silent]
    assert {name for name, mark in marks.items() if mark is not Mark.RIGHT} == {"neighbour"}


def test_a_question_mark_is_not_all_right_and_a_note_is() -> None:
    """What could not be told must not let a script go on; what is to be seen to elsewhere may."""
    marks = {each.verdict.mark: each for each in found()}
    assert all_right((marks[Mark.RIGHT], marks[Mark.ELSEWHERE]))
    assert not all_right((marks[Mark.RIGHT], marks[Mark.UNKNOWN]))
    assert not all_right((marks[Mark.RIGHT], marks[Mark.WRONG]))


def test_every_line_that_is_not_right_says_what_to_do() -> None:
    """Of a pair with much wrong."""
    dead = check.failed(samples.backup(), check.DEAD)
    dead = replace(dead, sip=(samples.sip(SipMode.UNKNOWN, problem=check.DEAD),))
    for each in found(samples.primary(), dead):
        assert bool(each.verdict.advice) is (each.verdict.mark is not Mark.RIGHT), each
