"""Everything that reads outside text, as functions of bytes that must bear any.

Each raises only what its reader names as its error, and that is taken here. What is returned is
all that the reader made of the bytes; its size is bounded by `tests.fuzz.bounds`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cluster import config, web_file
from cluster.clock import Instant
from cluster.config_model import Cluster
from cluster.errors import ConfigError
from cluster.host_view_json import Identity, read
from cluster.model import PortRule
from cluster.neighbour_table import parse_arp, parse_iproute
from cluster.nlb import output, phrases
from cluster.nlb.cim import parse_state
from cluster.nlb.cim_answer import parse_result
from cluster.nlb.params import parse_params
from cluster.sip import mlcmd
from cluster.sip.log_coding import coding_of, narrow
from cluster.sip.log_lines import first_moment, last_moment, tellings
from cluster.sip.options import Call, head_end, hear
from cluster.sip.serverx import parse_serverx
from exporter.explanation import Kind, explain
from exporter.explanation_log import explain_log
from remediator import webhook
from remediator.go_regex import CannotTellError, matches
from remediator.silence_match import told
from tests.fuzz import faces, mutate, seeds, trap
from tests.unit import exporter_samples, remediator_samples

Run = Callable[[bytes], object]

CODE_PAGES = ("cp437", "cp850", "utf-8", "utf-16", "cp932", "cp1252")
CLUSTERS = {"quito", "lima"}
SENT = Instant(datetime(2031, 1, 1, tzinfo=UTC), 5000.0)
OURS = Identity("porto", "porto-1", 3, (exporter_samples.cluster().rules[0],))
CALL = Call("tcp", ("10.7.0.100", 5070), ("10.7.0.5", 40123), "probe", "a1b2c3")
RULE = PortRule("all", 5070, 5071, "udp")


@dataclass(frozen=True, slots=True)
class Target:
    """Something to attack. seeds: made when they are wanted. reads: what it stands for."""

    name: str
    run: Run
    seeds: Callable[[], list[bytes]]
    mutator: mutate.Mutator
    reads: str


def find(name: str) -> Target:
    """Return the target of a name; ``trap`` is one that breaks."""
    trapped = Target("trap", trap.read, lambda: [b"begin"], mutate.some_bytes, "a mistake")
    return next(target for target in (*targets(), trapped) if target.name == name)


@cache
def targets() -> tuple[Target, ...]:
    """Return all targets."""
    nlb = lambda: [b"\0" + raw for raw in seeds.files("nlb/*.txt")]  # noqa: E731
    cim = lambda: seeds.files("cim/*.json")  # noqa: E731
    xml = lambda: seeds.files("sip/*.xml")  # noqa: E731
    of_json, of_lines = mutate.json_values, mutate.lines
    return (
        Target("webhook", _webhook, seeds.webhooks, of_json, "a webhook's body"),
        Target("alerts_answer", _alerts, seeds.alert_lists, of_json, "Alertmanager's list of alerts"),
        Target("silences", _silences, seeds.silences, of_json, "Alertmanager's list of silences"),
        Target("expression", _expression, seeds.expressions, of_lines, "expressions of silences"),
        Target("request", faces.to_remediator, seeds.requests, of_lines, "requests to the remediator"),
        Target("exporter_request", faces.to_exporter, seeds.exporter_requests, of_lines, "requests to the exporter"),
        Target("nlb_query", _query, nlb, of_lines, "nlb query"),
        Target("nlb_queryport", _queryport, nlb, of_lines, "nlb queryport, enable, disable"),
        Target("nlb_params", _params, nlb, of_lines, "nlb params"),
        Target("cim", _cim, cim, of_json, "JSON of the cim back end"),
        Target("serverx", parse_serverx, xml, of_lines, "/serverx"),
        Target("log_lines", _log, seeds.logs, of_lines, "lines of a SIP Server log"),
        Target("log_file", _log_file, seeds.logs, of_lines, "a file of such a log"),
        Target("mlcmd", _mlcmd, lambda: seeds.files("sip/*.txt"), of_lines, "mlcmd, exec scripts"),
        Target("host_view", _host_view, faces.host_views, of_json, "a peer's host view"),
        Target("options", _options, seeds.options_answers, of_lines, "SIP OPTIONS answers"),
        Target("neighbours", _neighbours, faces.neighbours, of_lines, "ip -j neigh, arp -a"),
        Target("recording", _recording, lambda: seeds.files("recordings/*.json"), of_json, "recordings"),
        Target("clusters_yml", _clusters_yml, seeds.configurations, of_lines, "clusters.yml"),
        Target("web_yml", _web_yml, seeds.web_configurations, of_lines, "web configuration"),
        Target("phrases_yml", _phrases, faces.phrase_files, of_lines, "a phrase file"),
    )  # fmt: skip


@cache
def tables() -> phrases.Phrases:
    """Return the shipped phrases."""
    return phrases.load()


@cache
def watched() -> tuple[Cluster, ...]:
    """Return the clusters whose silences are looked for."""
    return remediator_samples.config().clusters


def _webhook(raw: bytes) -> object:
    try:
        payload = webhook.parse(raw, CLUSTERS)
    except webhook.PayloadError as error:
        return _short(error.text)
    for alert in payload.alerts:
        texts = (
            alert.fingerprint,
            alert.name,
            alert.cluster,
            alert.host,
            alert.port,
            alert.problem,
        )
        for text in texts:
            assert len(text) <= webhook.MAX_LABEL_CHARACTERS
            assert "\0" not in text, "no journal could take it"
            text.encode()
        accepted = alert.outcome is webhook.AlertOutcome.ACCEPTED
        assert not accepted or alert.cluster in CLUSTERS
    return payload


def _short(text: str) -> str:
    assert len(text) < 500, "it shows too much of what was sent"
    return text


def _alerts(raw: bytes) -> object:
    """Read what `remediator.resync` does once `remediator.alertmanager_api` took it for JSON."""
    try:
        alerts = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return str(error)
    if not isinstance(alerts, list):
        return None
    return [webhook.judge(each, CLUSTERS, firing=True) for each in alerts]


def _silences(raw: bytes) -> object:
    """Read a list of silences and a list of silenced alerts, in one JSON object."""
    try:
        answers = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return str(error)
    if not isinstance(answers, dict):
        return None
    try:
        return told(answers.get("silences"), answers.get("alerts"), watched())
    except ValueError as error:
        return str(error)


def _expression(raw: bytes) -> object:
    """Read an expression of a silence, a line, and the text that it is held against."""
    pattern, _, text = raw.decode("utf-8", "replace").partition("\n")
    try:
        return matches(pattern, text)
    except CannotTellError as error:
        return str(error)


def _paged(raw: bytes) -> str:
    """Read the first byte as the choice of a code page."""
    return output.decode(raw[1:], CODE_PAGES[raw[0] % len(CODE_PAGES)] if raw else "cp437")


def _query(raw: bytes) -> object:
    return output.parse_query(_paged(raw), tables())


def _queryport(raw: bytes) -> object:
    text = _paged(raw)
    return output.parse_queryport(text, tables()), output.parse_result(text, tables())


def _params(raw: bytes) -> object:
    return parse_params(_paged(raw), tables())


def _cim(raw: bytes) -> object:
    parsed = parse_state(raw)
    ports = [block.port(RULE) for block in parsed.blocks]
    return parsed, ports, parse_result(raw), explain(Kind.CIM, raw, tables(), "utf-8")


def _log(raw: bytes) -> object:
    coding = coding_of(raw[:4], "cp1252")
    plain = narrow(raw[coding.mark :], coding)
    codec = coding.narrow_codec
    told = [list(tellings(plain, at_start, codec)) for at_start in (True, False)]
    return told, last_moment(plain, codec), first_moment(plain, codec)


def _log_file(raw: bytes) -> object:
    return explain_log(raw, "cp1252")


def _mlcmd(raw: bytes) -> object:
    text = mlcmd.decode(raw)
    listed, plain = mlcmd.parse_mlcmd(text), mlcmd.parse_plain(text)
    return listed, plain, listed.find("SIP_Server_P")


def _host_view(raw: bytes) -> object:
    return read(raw, OURS, SENT)


def _options(raw: bytes) -> object:
    end = head_end(raw)
    assert end is None or raw[:end].endswith(b"\r\n\r\n")
    heard = hear(raw, CALL)
    assert (heard.answer is None) == bool(heard.fault)
    return heard


def _neighbours(raw: bytes) -> object:
    text = raw.decode("utf-8", "replace")
    return parse_iproute(text, text), parse_arp(text, "10.0.0.7")


def _recording(raw: bytes) -> object:
    return explain(Kind.RECORDING, raw, tables(), "cp437")


def _clusters_yml(raw: bytes) -> object:
    try:
        return config.parse(raw.decode("utf-8", "replace"), "clusters.yml")
    except ConfigError as error:
        return str(error)


def _web_yml(raw: bytes) -> object:
    try:
        return web_file.parse(raw.decode("utf-8", "replace"), "web.yml")
    except ConfigError as error:
        return str(error)


def _phrases(raw: bytes) -> object:
    try:
        return phrases.parse(raw.decode("utf-8", "replace"), "phrases.yml")
    except ConfigError as error:
        return str(error)
