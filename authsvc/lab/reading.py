"""Figures of a report as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def percent(figures: Mapping[str, Any], name: str) -> str:  # Any: a report
    """A rate and its interval in percent, or that there is none."""
    rate, interval = figures.get(name), figures.get(f"{name}_interval")
    if rate is None:
        return "not measured"
    ends = f" [{interval[0]:.3%}, {interval[1]:.3%}]" if interval else ""
    return f"{rate:.3%}{ends}"


def counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
