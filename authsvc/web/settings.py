"""What the web needs to be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WebSettings:
    """`base_url` is where people and backends reach the service, without a slash at its end.

    In `metrics_dir` all web processes count together; without one, each counts for itself.
    """

    base_url: str
    metrics_dir: Path | None = None
