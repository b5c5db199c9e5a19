"""One value at the moment of a scrape, and how Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Gauge:
    """`name` without our prefix; `text` says what it is."""

    name: str
    text: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def lines_of(gauges: Iterable[Gauge]) -> Iterator[str]:
    """The text form, one head for each name."""
    known: dict[str, list[Gauge]] = {}
    for gauge in gauges:
        known.setdefault(f"authsvc_{gauge.name}", []).append(gauge)
    for name, found in known.items():
        yield f"# HELP {name} {found[0].text}\n# TYPE {name} gauge\n"
        for gauge in found:
            labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in gauge.labels.items())
            yield f"{name}{{{labels}}} {gauge.value:g}\n" if labels else f"{name} {gauge.value:g}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
