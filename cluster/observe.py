"""Edge: takes all readings of hosts at once, under one deadline, and makes a view of them.

One host that is dead or hangs costs the others nothing: each reading has a thread of its own
and what has not answered by the deadline is UNKNOWN with the reason.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Any

from cluster.clock import Clock, Deadline, Instant
from cluster.config_model import Cluster
from cluster.host_reader import HostReads
from cluster.identity import own_readings_only
from cluster.model import ClusterView, HostView, Reading, Reason

GRACE_SECONDS = 0.25
"""How much longer than its deadline a reading may take to say that it was late."""


def observe(
    cluster: Cluster,
    readers: Iterable[HostReads],
    deadline: Deadline,
    clock: Clock,
    grace_seconds: float = GRACE_SECONDS,
) -> ClusterView:
    """Take a fresh view: every reading of every given host, all asked now.

    Returns at the deadline at the latest, plus `grace_seconds` for readings to say that they
    were late. Hosts that were not given are not in the view.
    """
    began = clock.now()
    given = tuple(readers)
    done: SimpleQueue[tuple[str, tuple[str, Any], Reading[Any]]] = SimpleQueue()
    waiting = 0
    for reader in given:
        for key, read in _jobs(reader, deadline):
            waiting += 1
            threading.Thread(
                target=_work, args=(done, reader.host, key, read), daemon=True, name="reading"
            ).start()
    answers: dict[tuple[str, tuple[str, Any]], Reading[Any]] = {}
    end = Deadline(deadline.monotonic + grace_seconds)
    while waiting:
        try:
            host, key, reading = done.get(timeout=end.remaining(clock.now()))
        except Empty:
            break
        answers[host, key] = reading
        waiting -= 1
    ended = clock.now()
    hosts = tuple(_assemble(reader, answers, began, ended) for reader in given)
    return ClusterView(cluster.name, cluster.rules, hosts, began, ended)


def _jobs(
    reader: HostReads, deadline: Deadline
) -> list[tuple[tuple[str, Any], Callable[[], Reading[Any]]]]:
    jobs: list[tuple[tuple[str, Any], Callable[[], Reading[Any]]]] = [
        (("sip", index), lambda index=index: reader.sip(index, deadline))  # type: ignore[misc]
        for index in range(len(reader.source_names))
    ]
    jobs += [
        (("port", rule), lambda rule=rule: reader.port(rule, deadline))  # type: ignore[misc]
        for rule in reader.rules
    ]
    jobs += [
        (("node", None), lambda: reader.node(deadline)),
        (("params", None), lambda: reader.params(deadline)),
    ]
    return jobs


def _work(
    done: SimpleQueue[tuple[str, tuple[str, Any], Reading[Any]]],
    host: str,
    key: tuple[str, Any],
    read: Callable[[], Reading[Any]],
) -> None:
    done.put((host, key, read()))


def _assemble(
    reader: HostReads,
    answers: dict[tuple[str, tuple[str, Any]], Reading[Any]],
    began: Instant,
    ended: Instant,
) -> HostView:
    """Make a host's view of the answers that came; the rest timed out."""
    unread = reader.unread(Reason.TIMEOUT, "no answer by the look's deadline", began, ended)

    def answer(key: tuple[str, Any], otherwise: Reading[Any]) -> Reading[Any]:
        return answers.get((reader.host, key), otherwise)

    view = HostView(
        reader.host,
        tuple(answer(("sip", index), late) for index, late in enumerate(unread.sip)),
        answer(("node", None), unread.node),
        tuple((rule, answer(("port", rule), late)) for rule, late in unread.ports),
        answer(("params", None), unread.params),
    )
    return own_readings_only(view)
