"""Edge: the file that ``--web.config.file`` names, and what it names; read anew when it changes.

A change is taken once it has been the same for two looks, so that a file that is being written
is not read half. One that is not sound, or that opens what was closed, is refused with a log
line, and what was in force stays so.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from cluster import log, strict_yaml
from cluster.clock import Clock
from cluster.config import explain
from cluster.errors import ClusterError, ConfigError, ConfigProblem
from cluster.tls_terms import TlsTerms
from cluster.web_config import CIPHERS, TlsServer, WebConfig

MAX_BYTES = 1024 * 1024
LOOK_SECONDS = 1.0
"""How often it is looked whether a file has changed."""

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}

Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What is in force. signature: of all that it was read from, as it was just before."""

    config: WebConfig
    terms: TlsTerms | None = None
    signature: Signature = ()


NOTHING = WebSettings(WebConfig())
"""Without a file: plain HTTP, and no password."""


class WebFile:
    """The settings in force, asked for as often as one likes."""

    def __init__(self, file: Path | None, clock: Clock, program: str) -> None:
        """Read the file, if there is one. Raises `ClusterError` if it is not sound."""
        self._file, self._clock, self._program = file, clock, program
        self._settings = read(file) if file else NOTHING
        self._taken = self._seen = self._settings.signature
        self._problem: str | None = None
        self._looked = clock.now().monotonic
        self._lock = threading.Lock()

    def __call__(self) -> WebSettings:
        """Return the settings; looks for changes once in a while. Never raises."""
        if self._file is not None and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._settings

    def terms(self) -> TlsTerms | None:
        """Return the terms of TLS in force, None for plain HTTP."""
        return self().terms

    def _look(self) -> None:
        now = self._clock.now().monotonic
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        before, self._seen = self._seen, tuple(sign(Path(each[0])) for each in self._taken)
        changed = self._seen != self._taken and self._seen == before
        if changed or self._problem is not None:
            self._taken = self._seen
            self._take()

    def _take(self) -> None:
        """Read anew. What is wrong is said once, and tried again: a file may still be coming."""
        assert self._file is not None
        logger, problem = log.get(self._program), self._problem
        try:
            settings = read(self._file)
            _refuse_weaker(self._settings, settings, str(self._file))
        except ClusterError as error:
            self._problem = str(error)
            if self._problem != problem:
                logger.error("web configuration not taken, the old one stays", problem=str(error))
            return
        self._settings, self._problem = settings, None
        self._taken = self._seen = settings.signature
        logger.info("web configuration taken anew", file=str(self._file))


def read(file: Path) -> WebSettings:
    """Read a web configuration and everything that it names. Raises `ClusterError`."""
    signed = sign(file)
    config = parse(_text(file), str(file))
    tls = config.tls_server_config
    if tls is None:
        return WebSettings(config, None, (signed,))
    beside = file.parent  # documented: paths are relative to the file
    names = (tls.cert_file, tls.key_file, tls.client_ca_file)
    named = tuple(sign(beside / name) for name in names if name)
    return WebSettings(config, _terms(tls, beside), (signed, *named))


def parse(text: str, file: str) -> WebConfig:
    """Check the text of a web configuration; `file` is only named in errors."""
    document = strict_yaml.parse(text)
    problems = [_without_secret(problem) for problem in document.problems]
    if document.data is None and not problems:
        problems.append(ConfigProblem(None, "", "the file is empty", "leave out --web.config.file"))
    config = None
    if document.data is not None:
        try:
            config = WebConfig.model_validate(document.data)
        except ValidationError as error:
            refused = {problem.path for problem in problems}
            found = explain(error, document, WebConfig)
            problems += [problem for problem in found if problem.path not in refused]
    if problems or config is None:
        raise ConfigError(file, tuple(sorted(problems, key=lambda p: (p.line or 0, p.path))))
    return config


def sign(file: Path) -> tuple[str, int, int, int]:
    """Return what changes when a file does; a file that is not there has one too."""
    try:
        found = file.stat()
    except OSError:
        return str(file), 0, 0, 0
    return str(file), found.st_mtime_ns, found.st_size, found.st_ino


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ClusterError(str(file), f"is larger than {MAX_BYTES} bytes", "is it the one?")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise ClusterError(
            str(file), f"cannot be read: {error.strerror}", "name it with --web.config.file"
        ) from error
    except UnicodeDecodeError as error:
        raise ClusterError(str(file), "is not UTF-8 text", "save it as UTF-8") from error


def _without_secret(problem: ConfigProblem) -> ConfigProblem:
    """Leave out what the parser quotes of a password that stands where its hash should."""
    if not problem.path.startswith("basic_auth_users"):
        return problem
    return ConfigProblem(problem.line, problem.path, "is no bcrypt hash", "quote the hash")


def _terms(tls: TlsServer, beside: Path) -> TlsTerms:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[tls.min_version]
    context.maximum_version = _VERSIONS[tls.max_version]
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.cipher_suites:
        context.set_ciphers(":".join(CIPHERS[name] for name in tls.cipher_suites))
    certificate, key = beside / tls.cert_file, beside / tls.key_file
    _load(
        f"{certificate}, {key}",
        "are not a certificate and its key",
        lambda: context.load_cert_chain(certificate, key, password=""),
    )
    if tls.client_ca_file is not None:
        trusted = beside / tls.client_ca_file
        _load(
            str(trusted),
            "cannot be used as certificates",
            lambda: context.load_verify_locations(trusted),
        )
    context.verify_mode = _CLIENTS[tls.client_auth_type]
    return TlsTerms(context, frozenset(tls.client_allowed_sans))


def _load(files: str, problem: str, step: Callable[[], None]) -> None:
    """Load what TLS needs. Raises `ClusterError`, which never shows what is in a file."""
    try:
        step()
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
        raise ClusterError(
            files, f"{problem}: {reason}", "name files in PEM form, the key without passphrase"
        ) from error


def _refuse_weaker(old: WebSettings, new: WebSettings, file: str) -> None:
    """Raise `ClusterError` for settings that open what those before them closed."""
    lost = {
        "tls_server_config has come or gone": (old.terms is None) != (new.terms is None),
        "basic_auth_users is gone": bool(old.config.basic_auth_users)
        and not new.config.basic_auth_users,
        "callers need no certificate any more": old.config.asks_all_for_certificates
        and not new.config.asks_all_for_certificates,
    }
    for problem, so in lost.items():
        if so:
            raise ClusterError(file, problem, "restart the program if that is wanted")
