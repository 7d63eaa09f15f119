"""What the demonstration's caller counts, without a network: the requests are made up."""

from __future__ import annotations

from simulator.demo_probe import OptionsProbe, Sent
from tests.unit.exporter_samples import FakeClock

ONE, TWO = "sip-east-1", "sip-east-2"


def probe(*sent: Sent) -> OptionsProbe:
    """Return a caller that has sent these, oldest first."""
    caller = OptionsProbe(5060, FakeClock())
    caller.sent.extend(sent)
    return caller


def answered(at: float, host: str | None) -> Sent:
    """Return a request that has ended; without a host it was lost."""
    return Sent(at, host, ended=True)


def test_the_latest_end_before_the_first_request_that_is_still_open() -> None:
    """What comes after a request that may yet count as lost is not judged before it is."""
    known = [answered(1.1, None), answered(1.2, TWO), answered(1.3, TWO)]
    open_yet = Sent(1.4)
    caller = probe(*known, open_yet, answered(1.5, ONE), answered(1.6, ONE))
    assert caller.latest(2) == known[1:]
    assert caller.latest(9) == known
    open_yet.ended = True
    assert [sent.host for sent in caller.latest(3)] == [None, ONE, ONE]


def test_a_loss_is_never_followed_by_one_that_is_older() -> None:
    """Once the latest ten are right, whatever still turns out lost was sent after them."""
    lost_later = [Sent(2.0), Sent(2.1)]
    before = [answered(n / 10, ONE) for n in range(8, 20)]
    caller = probe(*before, *lost_later, *(answered(n / 10, ONE) for n in range(22, 26)))
    assert caller.latest(10) == before[-10:]
    for sent in lost_later:
        sent.ended = True
    assert caller.lost_between(0.8, 2.6) == 2
    assert [sent.host for sent in caller.latest(6)] == [None, None, ONE, ONE, ONE, ONE]
