"""Edge: sends one SIP OPTIONS to a virtual IP, as a caller does, and waits for the answer.

By hand: ``sip-options sip:10.0.0.100:5060`` (sofia-sip), or any SIP telephone. The answer must
come from the address that was asked, as a firewall before callers would have it. On a node of
the cluster NLB gives the node its own answer: probe from outside the cluster.
"""

from __future__ import annotations

import secrets
import socket
import ssl

from cluster.clock import Clock, Deadline
from cluster.config_model import Cluster
from cluster.config_service import DEFAULT_PORTS, ServiceProbe
from cluster.model import Problem, Reading, Reason
from cluster.sip.options import Call, SipAnswer, uri_of
from cluster.sip.options_talk import Talk, Unanswered

SOURCE = "options"
MAX_RAW_CHARACTERS = 8192


class OptionsProbe:
    """Asks the virtual IP of one cluster. Keeps nothing open between two questions."""

    def __init__(self, cluster: Cluster, probe: ServiceProbe, clock: Clock) -> None:
        """Keep whom to ask and how."""
        port = DEFAULT_PORTS[probe.transport] if probe.port is None else probe.port
        self._target = (probe.address or cluster.virtual_ip, port)
        self._probe = probe
        self._clock = clock
        self._command = f"OPTIONS {uri_of(probe.transport, *self._target)}"

    def ask(self, deadline: Deadline) -> Reading[SipAnswer]:
        """Send one OPTIONS and wait for its final answer; never raises for what the peer does.

        Without one the value has no code, and the problem says why. Over UDP the request is
        sent again as RFC 3261 has it; `asked` is when it was first sent.
        """
        asked = self._clock.now()
        talk: Talk | None = None
        answer, problem = SipAnswer(), None
        try:
            with self._open(deadline) as caller:
                talk = Talk(self._call(caller), deadline, self._clock)
                udp = self._probe.transport == "udp"
                answer = talk.over_udp(caller) if udp else talk.over_stream(caller)
        except Unanswered as unanswered:
            problem = unanswered.problem
        except TimeoutError:
            problem = Problem(Reason.TIMEOUT, "no answer in time")
        except (OSError, ValueError) as error:  # ValueError: a name that TLS does not take
            problem = Problem(Reason.UNREACHABLE, _why(error))
        raw = talk.raw if talk else b""
        return Reading(
            answer,
            SOURCE,
            talk.asked if talk else asked,
            self._clock.now(),
            problem=problem,
            command=self._command,
            raw=raw[:MAX_RAW_CHARACTERS].decode("utf-8", errors="replace"),
        )

    def _open(self, deadline: Deadline) -> socket.socket:
        """Return a socket that is connected to the target."""
        if self._probe.transport == "udp":
            family = socket.AF_INET6 if ":" in self._target[0] else socket.AF_INET
            caller = socket.socket(family, socket.SOCK_DGRAM)
        else:
            caller = socket.create_connection(self._target, self._left(deadline))
        try:
            if self._probe.transport == "udp":
                caller.connect(self._target)
            if self._probe.transport == "tls":
                return self._secured(caller, deadline)
        except BaseException:
            caller.close()
            raise
        return caller

    def _secured(self, caller: socket.socket, deadline: Deadline) -> ssl.SSLSocket:
        """Wrap a connection; the certificate is checked. Read anew, so that it may be renewed."""
        context = ssl.create_default_context(cafile=self._probe.ca_file)
        caller.settimeout(self._left(deadline))
        name = self._probe.server_name or self._target[0]
        return context.wrap_socket(caller, server_hostname=name)

    def _left(self, deadline: Deadline) -> float:
        left = deadline.remaining(self._clock.now())
        if left <= 0:
            raise TimeoutError
        return left

    def _call(self, caller: socket.socket) -> Call:
        address, port = caller.getsockname()[:2]
        local = (str(address), int(port))
        token = secrets.token_hex(12)
        return Call(self._probe.transport, self._target, local, self._probe.from_user, token)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is refused: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
