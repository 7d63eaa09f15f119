"""How the site of a soak behaves. Pure."""

from __future__ import annotations

from dataclasses import replace

from simulator.knobs import Knobs


def knobs_of(lag: float) -> Knobs:
    """Return the documented figures, with a convergence of 3 s and a host loss seen after 8 s.

    lag: by which statistics pages lag, seconds.
    """
    return replace(Knobs(), convergence_seconds=3.0, addp_seconds=8.0, lag_seconds=lag)
