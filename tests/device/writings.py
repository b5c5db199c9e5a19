"""The ways in which scripts write bytes as text, besides base64url without padding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)


def _plain(text: str) -> str:
    return text.replace("-", "+").replace("_", "/")


WRITINGS: Mapping[str, Callable[[str], str]] = {
    "base64url": str,
    "base64url, padded": _padded,
    "plain base64": _plain,
    "plain base64, padded": lambda text: _padded(_plain(text)),
    "one sign of each alphabet": lambda text: text.replace("-", "+"),
}

_BYTES = ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle")


def rewritten(credential: dict[str, Any], write: Callable[[str], str]) -> dict[str, Any]:
    """The same credential with all its bytes written in another way."""
    response = credential["response"]
    written = {name: write(text) if name in _BYTES else text for name, text in response.items()}
    return {
        **credential,
        "id": write(credential["id"]),
        "rawId": write(credential["rawId"]),
        "response": written,
    }
