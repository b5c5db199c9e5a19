"""The description of the API, composed once for all tests of a process: half a second each time."""

from __future__ import annotations

from functools import cache
from typing import Any

from authsvc.web.openapi import document


@cache
def described(base_url: str = "https://auth.example") -> dict[str, Any]:
    """What `/v1/openapi.json` says, as a value that nobody changes."""
    return document(base_url)
