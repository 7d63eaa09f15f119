"""The sites that are explored: who acts, and under which policy."""

from __future__ import annotations

from dataclasses import dataclass

from remediator.planner import DEFAULT_UNKNOWNS, UnknownPeer, Unknowns, UnknownScs
from tests.exploration.loop import Loop
from tests.exploration.product import Parts
from tests.exploration.search import Search


@dataclass(frozen=True)
class Site:
    """One site. share: of the states of a whole exploration, the part that is spent on it.

    kind: central is one remediator that commands both hosts. replicas are two such that know
    nothing of each other and hold no lease: what holds for them holds the more for those that
    do. on_node is one remediator on each host, which commands that host only and dies with it.
    """

    name: str
    kind: str
    share: float
    order: str = "e"
    unknowns: Unknowns = DEFAULT_UNKNOWNS

    def search(self, parts: Parts) -> Search:
        """Return a search of this site with the given parts of the product."""

        def loop(own: int | None) -> Loop:
            return Loop(parts, own, self.order, self.unknowns)

        owners: dict[str, tuple[int | None, ...]] = {
            "central": (None,),
            "replicas": (None, None),
            "on_node": (0, 1),
        }
        return Search(tuple(loop(own) for own in owners[self.kind]))


LEAVE = Unknowns(peer=UnknownPeer.LEAVE)
TRUSTING = Unknowns(scs=UnknownScs.DISABLE)

SITES = (
    Site("central", "central", 0.35),
    Site("on each node", "on_node", 0.25),
    Site("two side by side", "replicas", 0.25),
    Site("central, disable_first", "central", 0.05, order="d"),
    Site("on each node, disable_first", "on_node", 0.05, order="d"),
    Site("central, unknown_peer leave", "central", 0.025, unknowns=LEAVE),
    Site("central, unknown_scs disable", "central", 0.025, unknowns=TRUSTING),
)
