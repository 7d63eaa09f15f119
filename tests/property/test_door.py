"""Whatever stands in a web configuration or a header is judged, and never anything worse."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path

import bcrypt
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.config_web import RemediatorWeb
from cluster.door import Door
from cluster.errors import ConfigError
from cluster.rights import Refusal, Right
from cluster.web_config import WebConfig
from cluster.web_file import WebSettings, parse
from tests.unit import exporter_samples as samples

SAMPLE = (Path(__file__).parents[2] / "web.example.yml").read_text("utf-8")
HASH = bcrypt.hashpw(b"moss", bcrypt.gensalt(4)).decode()
HEADERS = st.one_of(
    st.text(max_size=300),
    st.binary(max_size=200).map(lambda raw: "Basic " + base64.b64encode(raw).decode()),
    st.binary(max_size=200).map(lambda raw: "Basic ana:" + raw.decode("latin-1")),
    st.text(max_size=100).map(lambda text: "Bearer " + text),
)


@settings(deadline=None)
@given(st.text(max_size=400), st.integers(0, len(SAMPLE)), st.integers(0, 40))
def test_any_text_is_a_configuration_or_is_refused_with_reasons(
    text: str, place: int, cut: int
) -> None:
    """Alone, and within the sample."""
    for tried in (text, SAMPLE[:place] + text + SAMPLE[place + cut :]):
        with contextlib.suppress(ConfigError):
            assert isinstance(parse(tried, "web.yml"), WebConfig)


@settings(deadline=None)
@given(HEADERS, st.sampled_from([None, *Right]), st.text(max_size=20), st.text(max_size=20))
def test_any_header_is_refused(header: str, right: Right | None, origin: str, address: str) -> None:
    """It would have to be the password, which none of these is."""
    users = WebConfig.model_validate({"basic_auth_users": {"ana": HASH}})
    web = RemediatorWeb.model_validate({"operate": {"users": ("ana",)}})
    door = Door(web, "remediator", lambda: WebSettings(users), samples.FakeClock())
    environ = {"HTTP_AUTHORIZATION": header, "HTTP_ORIGIN": origin, "REMOTE_ADDR": address}

    found = door.admit(environ, right)
    assert isinstance(found, Refusal)
    assert found.status in {401, 403}
