"""What schemathesis does not know of our API: its formats, and when a stranger is told to wait.

Loaded into its process (SCHEMATHESIS_HOOKS); tests call nothing of it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st

NOW = datetime.now(UTC)
LINES = (
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=60)
    | st.sampled_from(["; rm -rf /", "$(id)", "{{7*7}}", "' & net stop x", "%s", "<b>", "../../x"])
)  # fmt: skip

schemathesis.openapi.format("line", LINES)
schemathesis.openapi.format(
    "short-duration",
    st.builds(lambda n, unit: f"{n}{unit}", st.integers(1, 7), st.sampled_from("smhd")),
)
schemathesis.openapi.format(
    "date-time",
    st.integers(3600, 5 * 86400).map(lambda n: (NOW + timedelta(seconds=n)).isoformat()),
)


@schemathesis.check
def strangers_are_refused(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> bool | None:
    """Send what was answered once more, without and with wrong credentials.

    Like the check ignored_auth; but who fails often is told to wait (429), except with webhooks.
    """
    if "/api/" not in case.path or "Authorization" not in response.request.headers:
        return True
    if response.request.method == "OPTIONS":
        return True  # Flask's own answer: which methods there are
    if not 200 <= response.status_code < 300 or "openapi.yml" in case.path:
        return True
    for shown in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic d3Jvbmc6eA=="}):
        sent = response.request.copy()
        del sent.headers["Authorization"]
        sent.headers.update(shown)
        with requests.Session() as session:
            session.trust_env = False
            answer = session.send(sent, timeout=10)
        refused = {401} if case.path == "/api/v1/alerts" else {401, 429}
        assert answer.status_code in refused, f"{answer.status_code} with {shown or 'nothing'}"
    return None
