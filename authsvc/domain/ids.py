"""Names for things: a prefix that says what it is, and 120 random bits that say nothing."""

from __future__ import annotations

import secrets

_SYMBOLS = b"abcdefghijklmnopqrstuvwxyz234567"
_SYMBOL_OF_BYTE = _SYMBOLS * 8


def new_id(prefix: str) -> str:
    """`dec_…`: 24 lower-case letters and digits (base 32) behind the prefix."""
    # 256 is 8 times 32, so that each byte is a symbol, and each symbol is as likely.
    return f"{prefix}_{secrets.token_bytes(24).translate(_SYMBOL_OF_BYTE).decode()}"


def twin(object_id: str, prefix: str) -> str:
    """The name of what belongs one-to-one to an object: the challenge `chl_x` of the decision `dec_x`."""
    return f"{prefix}_{object_id.partition('_')[2]}"
