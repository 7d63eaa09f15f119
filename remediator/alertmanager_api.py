"""Edge: one question to an Alertmanager's API. Bounded in time and size, without redirects."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from cluster.config_model import Alertmanager
from cluster.door import authorization
from cluster.errors import ClusterError

TIMEOUT_SECONDS = 5.0
MAX_BYTES = 16 * 1024 * 1024


class NotAnsweredError(Exception):
    """It could not be asked, or answered something that is not JSON."""


def get(alertmanager: Alertmanager, path: str, parameters: Mapping[str, str]) -> Any:
    """Return what an Alertmanager answers, as JSON data. Raises `NotAnsweredError` alone.

    path: below its address, such as ``/api/v2/alerts``.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.verify = alertmanager.ca_file or True
            if alertmanager.cert_file and alertmanager.key_file:
                session.cert = (alertmanager.cert_file, alertmanager.key_file)
            response = session.get(
                alertmanager.url.rstrip("/") + path,
                params=parameters,
                headers={"Accept-Encoding": "identity", **authorization(alertmanager)},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            )
            response.raise_for_status()
            return json.loads(_bounded(response))
    except (OSError, HTTPError, ClusterError, ValueError, RecursionError) as error:
        raise NotAnsweredError(_beneath(error)) from error


def _beneath(error: BaseException) -> str:
    """Say what a failed connection is wrapped around: who reads it wants one line."""
    inner = error.__cause__ or error.__context__
    if isinstance(error, requests.ConnectionError | HTTPError) and inner is not None:
        return _beneath(inner)
    return f"{type(error).__name__}: {error}"


def _bounded(response: requests.Response) -> bytes:
    """Return the body as it came. Raises ValueError if it is too large or comes too slowly.

    The library's own time-out is per network wait, and what it unpacks has no bound.
    """
    body, deadline = bytearray(), time.monotonic() + TIMEOUT_SECONDS
    while chunk := response.raw.read1(65536, decode_content=False):
        body += chunk
        if len(body) > MAX_BYTES:
            raise ValueError(f"the answer is larger than {MAX_BYTES} bytes")
        if time.monotonic() > deadline:
            raise ValueError(f"the answer took longer than {TIMEOUT_SECONDS:g} s")
    return bytes(body)
