"""What ``clusters.yml`` says of interlocks: how much is too much. Pure."""

from __future__ import annotations

from pydantic import Field

from cluster.config_section import Section
from cluster.config_values import PositiveDuration


class Damping(Section):
    """How often the primary may change before a new one has to be steady to be followed."""

    flips: int = Field(
        6, ge=1, le=1000, description="changes of the primary that are followed at once"
    )
    window: PositiveDuration = Field(
        600.0, description="time in which that many become free again, one after the other"
    )


class AtOnce(Section):
    """How many clusters may call for actions at once before nothing new begins; off by default."""

    clusters: int | None = Field(None, ge=1, description="most clusters; default: any number")
    share: float | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="largest share of all clusters, one at least; default: any share",
    )
