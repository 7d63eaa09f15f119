"""A host with restricted PowerShell endpoints, over real HTTP: PSRP in WS-Management messages.

Run as a process by tests: ``python -m tests.integration.psrp_server FILE``, where FILE is JSON
(see `Settings`). psrpcore implements the server's side of PSRP; the endpoints below stand for
JEA: an account enters only its own, only its functions are visible, parameters must be in the
validated sets, script text is refused. The functions run the simulated host's ``nlb``.

What only a Windows host can prove: that the role files do the same there, and Kerberos.
"""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import time
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import spnego
from psrpcore import ServerPipeline, ServerRunspacePool
from psrpcore._payload import PSRPPayload, StreamType
from psrpcore.types import (
    ErrorCategoryInfo,
    ErrorRecord,
    NETException,
    PSCustomObject,
    PSInvocationState,
)
from pypsrp.encryption import WinRMEncryption
from pypsrp.wsman import NAMESPACES

from cluster.model import PortRule
from cluster.nlb.cim_dialect import DEFAULT_SCRIPTS, CimDialect
from cluster.runners.request import Request, Verb
from simulator.action_numbers import ActionNumbers

ACCESS_DENIED, NOT_FOUND, TIMED_OUT, NO_SHELL = 5, 0x80338000, 0x80338029, 0x8033805B
FUNCTIONS = {
    "Get-SipNlbState": {"BackEnd", "What", "Port", "Vip"},
    "Set-SipNlbPort": {"BackEnd", "ClusterIp", "HostId", "Port", "Vip", "Action", "Number"},
}
WORDS = {
    "BackEnd": {"nlb", "cim"},
    "What": {"query", "queryport", "params"},
    "Action": {"enable", "disable"},
}
BOUNDARY = "Encrypted Boundary"


@dataclass
class Settings:
    """What FILE holds.

    endpoints: endpoint → [account, visible functions]. program: the host's ``nlb``. cim: what
    its ``powershell`` is given besides, by name (see `CimDialect`), and its rule. directory: where a file ``hang`` makes every function wait, ``slow`` every opening (its seconds), and
    ``garbage`` every answer to be bytes of no format, and ``plain`` every answer to be readable
    for who listens. users: NTLM file. tls: certificate, key, CA.
    """

    directory: str
    endpoints: dict[str, tuple[str, list[str]]]
    program: str
    ports: list[str]
    vips: list[str]
    cim: dict[str, Any] | None = None
    users: str | None = None
    tls: tuple[str, str, str] | None = None
    address: str = "127.0.0.1"
    port: int = 0


@dataclass
class Running:
    """A pipeline: what it says, once it has ended."""

    pipeline: ServerPipeline
    ended: threading.Event = field(default_factory=threading.Event)


@dataclass
class Shell:
    """An open session."""

    pool: ServerRunspacePool
    functions: list[str]
    lock: threading.Lock = field(default_factory=threading.Lock)
    running: dict[str, Running] = field(default_factory=dict)


class FaultError(Exception):
    """A WS-Management fault."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Machine:
    """The host: its sessions and what they may do."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.shells: dict[str, Shell] = {}
        self.opened = 0
        self.calls: list[str] = []
        self.finished = 0
        self.refused = 0
        self.directory = Path(settings.directory)
        self.numbers = ActionNumbers()

    def act(self, account: str, envelope: ET.Element) -> str:
        """Carry out one WS-Management message; return the body of the answer."""
        action = _text(envelope, "s:Header/wsa:Action").rsplit("/", 1)[-1]
        body = envelope.find("s:Body", NAMESPACES)
        assert body is not None
        if action == "Create":
            return self._create(account, _text(envelope, "s:Header/wsman:ResourceURI"), body)
        identity = _text(envelope, "s:Header/wsman:SelectorSet/wsman:Selector")
        shell = self.shells.get(identity)
        if shell is None:
            raise FaultError(NO_SHELL, "The shell was not found.")
        if action == "Receive":
            seconds = float(_text(envelope, "s:Header/wsman:OperationTimeout")[2:-1])
            return self._receive(shell, body, seconds)
        if action == "Command":
            return self._command(shell, body)
        if action == "Signal":
            signal = body.find("rsp:Signal", NAMESPACES)
            assert signal is not None
            shell.running.pop(signal.attrib["CommandId"], None)
            self.finished += 1
            return "<rsp:SignalResponse/>"
        if action == "Delete":
            del self.shells[identity]
            return ""
        raise FaultError(NOT_FOUND, f"{action} is not simulated.")

    def _create(self, account: str, resource: str, body: ET.Element) -> str:
        endpoint = resource.rsplit("/", 1)[-1]
        if endpoint not in self.settings.endpoints:
            raise FaultError(NOT_FOUND, "The resource URI was not found.")
        allowed, functions = self.settings.endpoints[endpoint]
        if account != allowed:
            raise FaultError(ACCESS_DENIED, "Access is denied.")
        slow = self.directory / "slow"
        if slow.exists():
            time.sleep(float(slow.read_text("utf-8")))
        shell = body.find("rsp:Shell", NAMESPACES)
        assert shell is not None
        identity = shell.attrib["ShellId"]
        pool = ServerRunspacePool()
        creation = shell.find("pwsh:creationXml", NAMESPACES)
        assert creation is not None
        _feed(pool, creation.text)
        self.shells[identity] = Shell(pool, functions)
        self.opened += 1
        return (
            f"<rsp:Shell><rsp:ShellId>{identity}</rsp:ShellId></rsp:Shell>"
            "<wst:ResourceCreated><wsa:ReferenceParameters><wsman:SelectorSet>"
            f'<wsman:Selector Name="ShellId">{identity}</wsman:Selector>'
            "</wsman:SelectorSet></wsa:ReferenceParameters></wst:ResourceCreated>"
        )

    def _command(self, shell: Shell, body: ET.Element) -> str:
        line = body.find("rsp:CommandLine", NAMESPACES)
        assert line is not None
        identity = line.attrib["CommandId"]
        with shell.lock:
            pipeline = ServerPipeline(shell.pool, uuid.UUID(identity))
            _feed(shell.pool, _text(line, "rsp:Arguments"))
        running = shell.running[identity] = Running(pipeline)
        threading.Thread(target=self._run, args=(shell, running), daemon=True).start()
        return (
            f"<rsp:CommandResponse><rsp:CommandId>{identity}</rsp:CommandId></rsp:CommandResponse>"
        )

    def _receive(self, shell: Shell, body: ET.Element, seconds: float) -> str:
        wanted = body.find("rsp:Receive/rsp:DesiredStream", NAMESPACES)
        assert wanted is not None
        identity = wanted.attrib.get("CommandId")
        if identity is not None:
            running = shell.running[identity]
            if not running.ended.wait(seconds):
                raise FaultError(TIMED_OUT, "The operation timed out.")
        command = f' CommandId="{identity}"' if identity else ""
        with shell.lock:
            payload = shell.pool.data_to_send()
        data = base64.b64encode(payload.data if payload else b"").decode()
        return (
            f'<rsp:ReceiveResponse><rsp:Stream Name="stdout"{command}>{data}</rsp:Stream>'
            "</rsp:ReceiveResponse>"
        )

    def _run(self, shell: Shell, running: Running) -> None:
        commands = running.pipeline.metadata.commands  # type: ignore[union-attr]
        try:
            value = self._call(shell, commands)
            failure = None
        except RefusedError as refused:
            value, failure = None, refused
        pipeline = running.pipeline
        with shell.lock:
            pipeline.start()
            if failure is None:
                pipeline.write_output(value)
                pipeline.complete()
            else:
                record = ErrorRecord(
                    Exception=NETException(Message=str(failure)),
                    CategoryInfo=ErrorCategoryInfo(),
                    FullyQualifiedErrorId=failure.identity,
                )
                pipeline._change_state(PSInvocationState.Failed, error=record)
        running.ended.set()

    def _call(self, shell: Shell, commands: list[Any]) -> PSCustomObject:
        command = commands[0]
        name = command.command_text
        if len(commands) != 1 or command.is_script or name not in shell.functions:
            raise RefusedError("CommandNotFoundException", f"The term '{name}' is not recognized.")
        given = dict(command.parameters)
        if not set(given) <= FUNCTIONS[name]:
            raise RefusedError("NamedParameterNotFound", "A parameter cannot be found.")
        sets = WORDS | {"Port": set(self.settings.ports), "Vip": set(self.settings.vips)}
        for parameter, value in given.items():
            is_number = parameter != "Number" or re.fullmatch(r"[1-9][0-9]{0,17}", value)
            if value not in sets.get(parameter, {value}) or not is_number:
                text = f"Cannot validate argument on parameter '{parameter}'."
                raise RefusedError(f"ParameterArgumentValidationError,{name}", text)
        if name == "Set-SipNlbPort" and "Number" not in given:
            raise RefusedError(f"MissingMandatoryParameter,{name}", "Number is missing.")
        if "Action" in given and given["BackEnd"] == "cim" and not self._is_own(given):
            problem = "not permitted: Rules.psd1 names another ClusterIp or HostId"
            return PSCustomObject(rc=None, out="", err="", problem=problem)
        if "Action" in given and given["BackEnd"] == "nlb":
            refusal = self.numbers.refusal(given["Number"], str(self._command_line(given)))
            if refusal is not None:
                return PSCustomObject(rc=None, out="", err="", problem=f"refused: {refusal}")
        self.calls.append(name)
        while (self.directory / "hang").exists():
            time.sleep(0.02)
        ended = subprocess.run(
            self._command_line(given), capture_output=True, check=False, timeout=30
        )
        return PSCustomObject(
            rc=ended.returncode,
            out=base64.b64encode(ended.stdout).decode(),
            err=base64.b64encode(ended.stderr).decode(),
            problem="",
        )

    def _is_own(self, given: dict[str, str]) -> bool:
        """Tell whether the caller means the cluster and the host of Rules.psd1."""
        own = self.settings.cim or {"cluster_ip": None, "host_id": None}
        told = (given.get("ClusterIp"), given.get("HostId"))
        return told == (own["cluster_ip"], str(own["host_id"]))

    def _command_line(self, given: dict[str, str]) -> list[str]:
        """Return what SipNlb.psm1 would start."""
        verb = given.get("What") or given["Action"]
        if given["BackEnd"] == "cim":
            cim = dict(self.settings.cim or {})
            rule = PortRule(given.get("Vip", "all"), int(given.get("Port", 0)), *cim.pop("rule"))
            number = int(given["Number"]) if "Number" in given else None
            request = Request(Verb(verb), rule, number=number)
            return list(CimDialect(scripts=DEFAULT_SCRIPTS, **cim).argv(request))
        port = given.get("Port")
        spec = port if given.get("Vip", "all") == "all" else f"{given['Vip']}:{port}"
        return [self.settings.program, verb, *([spec] if spec else [])]


class RefusedError(Exception):
    """What PowerShell answers instead of a call."""

    def __init__(self, identity: str, text: str) -> None:
        super().__init__(text)
        self.identity = identity


class Handler(BaseHTTPRequestHandler):
    """One connection, which one account logs in to."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # each answer in one piece
    machine: Machine
    context: Any = None

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Tell the test what happened."""
        machine = self.machine
        seen = {
            "opened": machine.opened,
            "open": len(machine.shells),
            "calls": machine.calls,
            "finished": machine.finished,
            "refused": machine.refused,
        }
        self._send(200, json.dumps(seen).encode(), "application/json")

    def do_POST(self) -> None:
        """Answer one message, once the connection is logged in."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        account = self._account()
        if account is None:
            return
        if (self.machine.directory / "garbage").exists():
            self._send(200, bytes(range(256)) * 8, "application/soap+xml")
            return
        if not body:
            self._send(200, b"", "application/soap+xml")
            return
        encryption = None
        if self.headers["Content-Type"].startswith("multipart/encrypted"):
            encryption = WinRMEncryption(self.context, WinRMEncryption.SPNEGO)
            body = encryption.unwrap_message(body, BOUNDARY)
        elif self.machine.settings.tls is None:
            self._send(400, b"not encrypted", "text/plain")
            return
        status, answer = self._answer(account, ET.fromstring(body))
        kind = "application/soap+xml;charset=UTF-8"
        if encryption is not None and not (self.machine.directory / "plain").exists():
            form, answer = encryption.wrap_message(answer)
            kind = f'{form};protocol="{WinRMEncryption.SPNEGO}";boundary="{BOUNDARY}"'
        self._send(status, answer, kind)

    def _answer(self, account: str, envelope: ET.Element) -> tuple[int, bytes]:
        relates = _text(envelope, "s:Header/wsa:MessageID")
        try:
            body, status = self.machine.act(account, envelope), 200
        except FaultError as fault:
            status = 500
            body = (
                "<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason>"
                f'<s:Text>{fault}</s:Text></s:Reason><s:Detail><f:WSManFault xmlns:f="'
                f'{NAMESPACES["wsmanfault"]}" Code="{fault.code}" Machine="simulated">'
                f"<f:Message>{fault}</f:Message></f:WSManFault></s:Detail></s:Fault>"
            )
        names = " ".join(
            f'xmlns:{key}="{NAMESPACES[key]}"' for key in ("s", "wsa", "wsman", "rsp", "wst")
        )
        return status, (
            f"<s:Envelope {names}><s:Header><wsa:RelatesTo>{relates}</wsa:RelatesTo></s:Header>"
            f"<s:Body>{body}</s:Body></s:Envelope>"
        ).encode()

    def _account(self) -> str | None:
        """Return who is logged in; else answer what is still missing and return None."""
        if self.machine.settings.users is None:
            certificate: Any = self.connection.getpeercert()
            if not certificate:
                self._refuse("")
                return None
            return dict(pair[0] for pair in certificate["subject"])["commonName"]
        if self.context is not None and self.context.complete:
            return self.context.client_principal
        token = re.match(r"(?:Negotiate|NTLM) (.+)", self.headers.get("Authorization", ""))
        if token is None:
            self._refuse("Negotiate")
            return None
        if self.context is None:
            self.context = spnego.server(protocol="ntlm")
        try:
            answer = self.context.step(base64.b64decode(token[1]))
        except spnego.exceptions.SpnegoError:
            self.context = None
            self.machine.refused += 1
            self._refuse("Negotiate")
            return None
        if not self.context.complete:
            self._refuse(f"Negotiate {base64.b64encode(answer).decode()}")
            return None
        return self.context.client_principal

    def _refuse(self, how: str) -> None:
        self._send(401, b"", "text/plain", {"WWW-Authenticate": how} if how else {})

    def _send(
        self, status: int, body: bytes, kind: str, more: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (
            {"Content-Type": kind, "Content-Length": str(len(body))} | (more or {})
        ).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def _feed(pool: ServerRunspacePool, text: str | None) -> None:
    pool.receive_data(PSRPPayload(base64.b64decode(text or ""), StreamType.default, None))
    while pool.next_event() is not None:
        pass


def _text(element: ET.Element, path: str) -> str:
    found = element.find(path, NAMESPACES)
    return "" if found is None else found.text or ""


def main(file: str) -> None:
    """Serve until ended; say the port on standard output."""
    settings = Settings(**json.loads(Path(file).read_text("utf-8")))
    if settings.users is not None:
        os.environ["NTLM_USER_FILE"] = settings.users
    Handler.machine = Machine(settings)
    server = ThreadingHTTPServer((settings.address, settings.port), Handler)
    server.daemon_threads = True
    if settings.tls is not None:
        certificate, key, authority = settings.tls
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
        context.load_cert_chain(certificate, key)
        if settings.users is None:
            context.verify_mode = ssl.CERT_OPTIONAL
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main(sys.argv[1])
