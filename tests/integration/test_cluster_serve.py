"""The web server as callers find it who do not keep to the rules."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest
from flask import Flask, Response

from cluster.serve import WebServer

pytestmark = pytest.mark.integration

INNER = b"GET /inner HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.fixture
def server() -> Iterator[WebServer]:
    """A server that refuses every request without looking at its body."""
    application = Flask("refuses")

    @application.before_request
    def refuse() -> Response:
        return Response("refused", 401)

    made = WebServer(application.wsgi_app, ("127.0.0.1", 0), threads=2, max_body_bytes=4096)
    made.start()
    yield made
    made.close()


def said(server: WebServer, *headers: bytes, body: bytes) -> list[bytes]:
    """Return the status of every answer to what looks like one request."""
    head = b"\r\n".join((b"POST / HTTP/1.1", b"Host: a", *headers))
    with socket.create_connection(("127.0.0.1", server.port), 10) as caller:
        caller.settimeout(1.5)
        caller.sendall(head + b"\r\n\r\n" + body)
        heard = b""
        with contextlib.suppress(TimeoutError):
            while more := caller.recv(65536):
                heard += more
    return [part.split(b" ")[0] for part in heard.split(b"HTTP/1.1 ")[1:]]


def test_a_body_that_nobody_read_is_not_the_next_request(server: WebServer) -> None:
    """Neither one of a known length nor a chunked one, sound or not."""
    chunked = b"Transfer-Encoding: chunked"
    sound = b"%x\r\n%s\r\n0\r\n\r\n" % (len(INNER), INNER)

    assert said(server, b"Content-Length: %d" % len(INNER), body=INNER) == [b"401"]
    assert said(server, chunked, body=sound) == [b"401"]
    assert len(said(server, chunked, body=INNER)) == 1
    assert len(said(server, chunked, b"Content-Length: 5", body=sound)) == 1


def test_a_chunked_body_has_the_limit_of_every_other(server: WebServer) -> None:
    """What is read only to be thrown away is bounded, too, and ends the connection."""
    endless = b"fff\r\n" + b"x" * 4095 + b"\r\n"
    assert said(server, b"Transfer-Encoding: chunked", body=endless * 8) == [b"500"]
