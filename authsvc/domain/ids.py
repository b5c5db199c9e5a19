"""Names for things: a prefix that says what it is, and 120 random bits that say nothing."""

from __future__ import annotations

import base64
import secrets


def new_id(prefix: str) -> str:
    """`dec_…`: 24 lower-case letters and digits (base 32) behind the prefix."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(15)).decode().lower()}"


def twin(object_id: str, prefix: str) -> str:
    """The name of what belongs one-to-one to an object: the challenge `chl_x` of the decision `dec_x`."""
    return f"{prefix}_{object_id.partition('_')[2]}"
