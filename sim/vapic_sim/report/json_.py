"""A run as one JSON object."""

import json
from collections.abc import Sequence
from typing import Any

from .figures import Figures, Setup

__all__ = ["to_json"]


def to_json(setup: Setup, figures: Sequence[Figures]) -> str:
    """The object that ``vapic run --json`` prints; numbers are not rounded for display."""
    trace, machine = setup.trace, setup.job
    result: dict[str, Any] = {
        "trace": {"file": trace.name, "arrivals": len(trace.arrivals),
                  "sources": len(trace.sources), "seconds": round(trace.seconds, 9),
                  "source_names": list(trace.sources),
                  "recorded_arrivals": setup.recorded, "start_us": trace.start_ns / 1000,
                  "start_ns": trace.start_ns, "remarks": list(trace.remarks),
                  "read": trace.summary.to_dict() if trace.summary else None},
        "machine": {"vcpus": machine.vcpus, "pcpus": machine.pcpus, "guests": machine.guests,
                    "clock_hz": machine.clock_hz, "engine": setup.engine,
                    "slice_us": machine.slice_us, "phase": machine.phase, "seed": machine.seed,
                    "load": setup.load},
        "policies": [_policy(row) for row in figures],
    }
    return json.dumps(result, indent=2)


def _policy(row: Figures) -> dict[str, Any]:
    return {
        "policy": row.policy, "arrivals": row.arrivals, "delivered": row.delivered,
        "merged": row.merged, "pending": row.pending, "lost": row.lost,
        "latency_us": {name: _round(value) for name, value in (
            ("mean", row.latency_mean), ("p50", row.latency_p50), ("p99", row.latency_p99),
            ("max", row.latency_max))},
        "controller_cycles": {"p50": row.controller_p50, "p99": row.controller_p99,
                              "max": row.controller_max},
        "share": [round(value, 6) for value in row.share], "jain": round(row.jain, 6),
        "wakeups_per_interrupt": _round(row.wakeups), "wakes_of_blocked": row.wakes,
        "guest_events": row.guest_events,
        "cycles": {"clocked": row.ticks, "skipped": row.skipped},
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
