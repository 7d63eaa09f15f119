"""Edge: the signals that ask a program to end, as an event. POSIX only."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator

STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stop_asked() -> Iterator[asyncio.Event]:
    """Catch the signals that ask a program to end; the event is set by the first.

    Further ones change nothing, so that cleaning up is never broken off.
    """
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in STOPPING_SIGNALS:
        loop.add_signal_handler(number, asked.set)
    try:
        yield asked
    finally:
        for number in STOPPING_SIGNALS:
            loop.remove_signal_handler(number)
