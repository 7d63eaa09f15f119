"""Edge: joins the web server library's connections to patient sockets.

The library reads and writes through file objects and tells applications of a connection through
`ssl_env`; both are made here. Knows nothing of what is asked.
"""

from __future__ import annotations

import io
from typing import Any

from cheroot.makefile import StreamReader, StreamWriter
from cheroot.server import HTTPConnection

from cluster.patient_socket import PatientSocket
from cluster.subject import SUBJECT


class Connection(HTTPConnection):
    """One client's connection."""

    socket: PatientSocket

    def __init__(self, server: Any, accepted: Any, _: object = None) -> None:
        """Take over what was accepted; the server has the `House` of all connections."""
        super().__init__(server, PatientSocket(accepted, server.house), _stream)

    def communicate(self) -> Any:
        """Answer one request. Return whether the connection stays."""
        self.socket.begin_answer()
        return super().communicate()  # type: ignore[no-untyped-call]

    @property
    def ssl_env(self) -> dict[str, Any]:
        """What an application is told of the connection; known after the TLS handshake."""
        if not self.socket.is_secure:
            return {}
        told = {"wsgi.url_scheme": "https", "HTTPS": "on"}
        return {**told, SUBJECT: self.socket.subject}

    @ssl_env.setter
    def ssl_env(self, _: object) -> None:
        """Do nothing: the library knows nothing of TLS here."""


class _Reader(StreamReader):
    def __init__(self, patient: PatientSocket, size: int) -> None:
        super(StreamReader, self).__init__(_Raw(patient), size)
        self.bytes_read = 0
        self._patient = patient

    def has_data(self) -> bool:
        """Tell whether more has come than the last request took."""
        within = bool(super().has_data())  # type: ignore[no-untyped-call]
        return within or self._patient.has_data()


class _Writer(StreamWriter):
    def __init__(self, patient: PatientSocket, size: int) -> None:
        super(StreamWriter, self).__init__(_Raw(patient), size)
        self.bytes_written = 0


class _Raw(io.RawIOBase):
    """A patient socket as an unbuffered stream."""

    def __init__(self, patient: PatientSocket) -> None:
        self._patient = patient

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._patient.recv_into(buffer)

    def write(self, data: Any) -> int:
        return self._patient.send(data)


def _stream(patient: PatientSocket, mode: str, size: int = io.DEFAULT_BUFFER_SIZE) -> Any:
    return _Reader(patient, size) if "r" in mode else _Writer(patient, size)
