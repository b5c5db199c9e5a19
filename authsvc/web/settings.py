"""What the web needs to be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WebSettings:
    """`base_url` is where people and backends reach the service, without a slash at its end."""

    base_url: str
