"""What a person asks for and does not get: the reason, and how to ask instead. Pure."""

from __future__ import annotations

from cluster.errors import ClusterError


class RefusedError(ClusterError):
    """A person's order that is not carried out. Nothing was changed.

    status: of the HTTP answer: 400 the order itself is wrong, 404 it names what is not there,
    409 it does not fit how things stand.
    """

    def __init__(self, status: int, problem: str, hint: str) -> None:
        super().__init__("order", problem, hint)
        self.status = status
