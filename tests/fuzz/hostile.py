"""Label values that look like something else, sent to the real remediator's webhook.

Its NLB commands are wrapped so that each command line is written down whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.fuzz.bounds import resident_megabytes
from tests.fuzz.programs import Attacked
from tests.integration.test_remediator import TOKEN, RunningRemediator, alert, payload
from tests.integration.workflows import change_hosts

MARK = "h0st1le"
"""Stands in every value, so that it is found wherever it goes."""

COMMANDS = {"query", "queryport 5060", "params", "enable 5060", "disable 5060"}
"""All that may ever be asked of the hosts of this site."""


def values(canary: Path) -> tuple[str, ...]:
    """Return hostile texts. canary: a file that is there if one of them was carried out."""
    touch = f"touch {canary}"
    return tuple(
        f"{MARK}{text}"
        for text in (
            f"; {touch}", f"$({touch})", f"`{touch}`", f"| {touch}", f"&& {touch} #", f"\n{touch}\n",
            f"' & {touch} & '", f'" ; {touch} ; "', "%PATH%", "%COMSPEC% /c del", "' & net stop wlbs & '",
            "$env:PATH", "'; Stop-Service x; '", "-EncodedCommand AA==", "--help", "/MASTER", "GLOBAL",
            "../../../../etc/passwd", "..\\..\\windows\\win.ini", "//10.0.0.9/share", "file:///etc/passwd",
            "{{7*7}}", "${jndi:ldap://10.0.0.9/x}", "%s%s%n%x", "{0.__class__}", "<%= 7 %>", "#{7*7}",
            "\nts=2031-01-01T00:00:00Z level=error event=forged", "\r\nforged: yes\r\n\r\n", "\x1b[2J\x1b]0;x\x07",
            '{"level":"error","event":"forged"}', '"} 1\nforged_total{a="', "\\", '"', "=a b=c", "\x85\u2028",
            "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "' OR 1=1 --",
            "'); DROP TABLE journal; --", "a\0b", "\u202egnp.exe", "\u200b\ufeff", "\ud800", "\udfff\ud800",
            "é" * 300, "\U0001f525" * 250, "x" * 1_000_000,
        )
    )  # fmt: skip


def alerts(canary: Path) -> Iterator[dict[str, Any]]:
    """Yield alerts that have such a text at one place each, the others sound."""
    for number, text in enumerate(values(canary)):
        for place in ("host", "port", "alertname", "cluster", text):
            made = alert(fingerprint=f"{number:08x}{len(place):08x}")
            made["labels"][place] = text
            yield made
        yield alert(fingerprint=text)
        yield alert(annotations={"summary": text}, generatorURL=text, fingerprint=f"g{number}")
        yield alert(startsAt=text, fingerprint=f"s{number}")
        yield alert(status=text, fingerprint=f"t{number}")


def bodies(canary: Path) -> Iterator[bytes]:
    """Yield bodies: the alerts by fives, and forms that Alertmanager would not write."""
    some = list(alerts(canary))
    for at in range(0, len(some), 5):
        yield json.dumps(payload(*some[at : at + 5])).encode()
    truncated: tuple[object, ...] = (10**40, -1, 1e308, MARK, True, [])
    sound = json.dumps(payload(alert())).encode()
    one = f'"cluster": "sip-east", "cluster": "{MARK}"'.encode()
    deep = b"[" * 100_000 + b"]" * 100_000
    yield from (
        sound.replace(b'"cluster": "sip-east"', one),
        sound.replace(b'"version": "4"', b'"version": "4", "version": "3"'),
        sound.replace(b'"annotations": {}', b'"annotations": ' + deep),
        sound.replace(b'"annotations": {}', b'"annotations": ' + b'{"a":' * 50_000),
        sound.replace(b'"annotations": {}', b'"annotations": 1' + b"0" * 100_000),
        sound.replace(b'"annotations": {}', b'"annotations": [NaN, Infinity, -Infinity, 1e999999]'),
        sound.replace(b"5060", b"5060\xff\xfe"),
        sound.decode().encode("utf-16"),
        sound.decode().encode("utf-32"),
        b"\xef\xbb\xbf" + sound,
        sound + b"\0",
        b"\x1f\x8b\x08\x00" + sound,
        *(
            json.dumps(payload(alert(), truncatedAlerts=many, groupKey=MARK, receiver=MARK)).encode()
            for many in truncated
        ),
    )  # fmt: skip


def flood(number: int = 10_000) -> bytes:
    """Return one body of thousands of alerts, each of a label of its own."""
    made = (alert(f"{MARK}{each}", fingerprint=f"f{each}") for each in range(number))
    return json.dumps(payload(*made)).encode()


@dataclass(slots=True)
class Sent:
    """What was answered, and what the remediator occupied in MB: at first, halfway, at the end.

    Each of its threads keeps the room of the largest body that it once had, so it grows until
    each has had one; from halfway on it should not.
    """

    statuses: dict[int, int] = field(default_factory=dict)
    megabytes: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def requests(self) -> int:
        """How many were sent."""
        return sum(self.statuses.values())


def record_commands(remediator: RunningRemediator, folder: Path) -> Path:
    """Put a wrapper before the NLB command of each host; return where it writes."""
    record = folder / "command-lines"

    def wrap(host: dict[str, Any]) -> None:
        real = host["nlb"]["program"]
        wrapper = folder / f"nlb-of-{host['name']}"
        wrapper.write_text(
            f"#!/bin/sh\nprintf '%s\\036' \"$*\" >>'{record}'\nexec '{real}' \"$@\"\n", "utf-8"
        )
        wrapper.chmod(0o755)
        host["nlb"]["program"] = str(wrapper)

    change_hosts(remediator, wrap)
    return record


def command_lines(record: Path) -> set[str]:
    """Return every command line that was carried out."""
    return set(record.read_text("utf-8", "surrogateescape").split("\x1e")) - {""}


def send(attacked: Attacked, canary: Path, number: int) -> Sent:
    """Send so many hostile bodies, all kinds in turn, after each kind has been there once."""
    process = attacked.remediator.process
    assert process is not None
    kinds = [*bodies(canary), flood()]
    sent = Sent()
    with requests.Session() as session:
        session.trust_env = False
        _send(session, attacked, kinds, sent)
        sizes = [resident_megabytes(process.pid)]
        for goal in (number // 2, number):
            while sent.requests < goal:
                _send(session, attacked, kinds[: goal - sent.requests], sent)
            sizes.append(resident_megabytes(process.pid))
    sent.megabytes = (sizes[0], sizes[1], sizes[2])
    return sent


def _send(session: requests.Session, attacked: Attacked, some: list[bytes], sent: Sent) -> None:
    for body in some:
        answer = session.post(
            attacked.remediator.url + "/api/v1/alerts",
            data=body,
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=60,
        )
        sent.statuses[answer.status_code] = sent.statuses.get(answer.status_code, 0) + 1


def series(remediator: RunningRemediator) -> set[str]:
    """Return the names and labels of all series on /metrics."""
    text = requests.get(remediator.url + "/metrics", timeout=10).text
    return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}
