"""How the programs write their log: one complete line per unit of work, to standard error.

Message constant, values as ``key=value`` (or JSON), time in UTC. INFO: a state changed or an
action ended. WARNING: an operator should look. ERROR: an operator must.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.types import Processor

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("logfmt", "json")


def configure(level: str, form: str) -> None:
    """Send every log line of the program to standard error in one form.

    level: one of `LEVELS`. form: one of `FORMATS`. Lines of libraries go the same way.
    """
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.dict_tracebacks
        if form == "json"
        else structlog.processors.format_exc_info,
    ]
    last: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.processors.LogfmtRenderer(
            key_order=["ts", "level", "event"], bool_as_flag=False, drop_missing=True
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _readable_values,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("asyncssh", "pypsrp", "spnego", "urllib3", "werkzeug", "sqlalchemy"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get(name: str) -> Any:
    """Return a logger. Its methods take a constant message and values by name."""
    return structlog.stdlib.get_logger(name)


def _readable_values(_: Any, __: str, line: Any) -> Any:
    """Round what nobody reads to the microsecond, and leave out what there is not."""
    return {key: _readable(value) for key, value in line.items() if value is not None}


def _readable(value: Any) -> Any:
    """Write enumerations as their words and several values as one."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, str):
        return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in value)
    if isinstance(value, tuple | list | set | frozenset):
        return ",".join(str(_readable(part)) for part in value)
    return value
