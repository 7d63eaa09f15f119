"""Edge: one call of a control API, for the commands and for whoever looks for running sites."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

TIMEOUT_SECONDS = 5.0


class RefusedError(Exception):
    """The site did not do it; the text says why."""


def ask(url: str, body: dict[str, Any] | None) -> dict[str, Any]:
    """Ask the control API: GET where `body` is None, else POST. Raises `RefusedError`."""
    if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
        raise RefusedError(f"{url} is not an http address")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data)  # noqa: S310 # the scheme was checked above
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        raise RefusedError(_why(error)) from None
    except (OSError, ValueError) as error:
        raise RefusedError(f"{url} does not answer: {error}") from None
    if not isinstance(found, dict):
        raise RefusedError(f"{url} is not the control API of a simulated site")
    return found


def is_running(url: str) -> bool:
    """Tell whether a simulated site answers at the address of its control API."""
    try:
        return ask(f"{url}/api/v1/site", None).get("simulated") is True
    except RefusedError:
        return False


def _why(error: urllib.error.HTTPError) -> str:
    with error:
        try:
            return str(json.load(error)["error"])
        except (ValueError, KeyError, TypeError):
            return f"HTTP status {error.code}"
