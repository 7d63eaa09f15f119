"""Edge: the control API of the simulated site, HTTP and JSON on loopback.

For people, tests and ``sipnlb-simulator COMMAND``; the products never call it. It has no
credentials: it listens on loopback and rules nothing but a simulation.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from aiohttp import web

from simulator import truth
from simulator.faults import HostFaults, LogFault, MlcmdFault, MlcmdFaults, NlbFault, PageFault
from simulator.management_layer import NotPossibleError
from simulator.world import OPERATIONS, ClusterRun, World

MAX_LATENCY_SECONDS = 600.0
Faults = TypeVar("Faults", HostFaults, MlcmdFaults)


class Control:
    """The site's control API."""

    def __init__(
        self,
        world: World,
        began: datetime,
        advance: Callable[[], object],
        listeners: Callable[[], dict[str, Any]],
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        """Rule `world`.

        began: UTC moment of its second 0. advance: brings it to this moment. listeners: where
        the faces of each cluster listen. changed: lets the faces follow at once.
        """
        self._world, self._began, self._advance = world, began, advance
        self._listeners, self._changed = listeners, changed

    def application(self) -> web.Application:
        """Return the web application."""
        application = web.Application(middlewares=[_as_json], client_max_size=65536)
        application.add_routes(
            [
                web.get("/api/v1/site", self._site),
                web.get("/api/v1/clusters/{cluster}", self._cluster),
                web.post("/api/v1/clusters/{cluster}/partitions", self._partitions),
                web.post("/api/v1/clusters/{cluster}/{operation}", self._operate),
                web.post("/api/v1/clusters/{cluster}/hosts/{host}/fault", self._fault),
                web.post("/api/v1/fault", self._site_fault),
            ]
        )
        return application

    async def _site(self, _: web.Request) -> web.Response:
        self._advance()
        return web.json_response(
            {
                "simulated": True,
                "clusters": list(self._world.clusters),
                "listeners": self._listeners(),
            }
        )

    async def _cluster(self, request: web.Request) -> web.Response:
        await self._changed()  # so that what is shown is also what the faces do
        name = self._named(request).description.name
        return web.json_response(truth.cluster_json(self._world, name, self._began))

    async def _operate(self, request: web.Request) -> web.Response:
        cluster, operation = self._named(request), request.match_info["operation"]
        if operation not in OPERATIONS:
            raise _refusal(
                web.HTTPNotFound,
                f"no operation {operation!r}; there are " + ", ".join((*OPERATIONS, "partitions")),
            )
        asked = await _body(request)
        unknown = set(asked) - {"host"}
        host = asked.get("host")
        if unknown or not (host is None or isinstance(host, str)):
            raise _refusal(web.HTTPBadRequest, 'the body may only be {"host": NAME}')
        if operation == "switchover" and host is not None:
            raise _refusal(web.HTTPBadRequest, "a switchover takes no host")
        self._advance()
        if operation == "switchover":
            cluster.management.switch_over()
        else:
            host = getattr(cluster, operation)(host)
        await self._changed()
        name = cluster.description.name
        return web.json_response(
            {
                "simulated": True,
                "cluster": name,
                "operation": operation,
                "host": host,
            }
        )

    async def _partitions(self, request: web.Request) -> web.Response:
        cluster, asked = self._named(request), await _body(request)
        if not all(type(group) is int for group in asked.values()):
            raise _refusal(web.HTTPBadRequest, "the body must be {HOST: NUMBER, …}")
        self._advance()
        cluster.split(asked)
        return web.json_response({"simulated": True, "partitions": asked})

    async def _fault(self, request: web.Request) -> web.Response:
        cluster = self._named(request)
        host = cluster.host(request.match_info["host"])
        host.faults = _faults(host.faults, await _body(request))
        self._advance()
        await self._changed()
        return web.json_response(
            {
                "simulated": True,
                "host": truth.host_json(cluster, host.description.name),
            }
        )

    async def _site_fault(self, request: web.Request) -> web.Response:
        faults = _faults(self._world.mlcmd_faults, await _body(request))
        self._world.mlcmd_faults = faults
        return web.json_response({"simulated": True, "faults": asdict(faults)})

    def _named(self, request: web.Request) -> ClusterRun:
        name = request.match_info["cluster"]
        if name not in self._world.clusters:
            known = ", ".join(self._world.clusters)
            raise _refusal(web.HTTPNotFound, f"no cluster {name!r} in this site; it has {known}")
        return self._world.cluster(name)


def _faults(present: Faults, asked: dict[str, Any]) -> Faults:
    """Return the present faults with those that are asked for put in."""
    known = [field.name for field in fields(present)]
    changes: dict[str, Any] = {}
    for name, value in asked.items():
        if name not in known:
            raise _refusal(web.HTTPBadRequest, f"no fault {name!r}; there are {', '.join(known)}")
        kinds = {"nlb": NlbFault, "page": PageFault, "mlcmd": MlcmdFault, "log": LogFault}.get(name)
        if kinds is not None:
            words = [str(kind) for kind in kinds]
            if value not in words:
                raise _refusal(web.HTTPBadRequest, f"{name} must be one of {', '.join(words)}")
            changes[name] = kinds(value)
        elif (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and (0 <= value <= MAX_LATENCY_SECONDS)
        ):
            changes[name] = float(value)
        else:
            raise _refusal(
                web.HTTPBadRequest, f"{name} must be seconds, 0 to {MAX_LATENCY_SECONDS:.0f}"
            )
    return replace(present, **changes)


async def _body(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw)
    except ValueError:
        raise _refusal(web.HTTPBadRequest, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise _refusal(web.HTTPBadRequest, "the body must be a JSON object")
    return body


def _refusal(kind: type[web.HTTPException], message: str) -> web.HTTPException:
    return kind(text=json.dumps({"error": message}), content_type="application/json")


@web.middleware
async def _as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn what the site's state does not allow into 409, and every refusal into JSON."""
    try:
        return await handler(request)
    except NotPossibleError as error:
        return web.json_response({"error": str(error)}, status=409)
    except web.HTTPException as error:
        if error.content_type == "application/json":
            raise
        return web.json_response({"error": error.reason}, status=error.status)
