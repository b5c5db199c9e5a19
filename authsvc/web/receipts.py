"""Whose receipt this says it is, unchecked: the services check it against everything else."""

from __future__ import annotations

import base64
import json

from authsvc.errors import ReceiptMismatch


def payer_of(receipt: str) -> str:
    """The `sub` of a receipt whose signature nobody has looked at yet; raises ReceiptMismatch where there is none."""
    try:
        payload = receipt.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        user = claims["sub"]
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        raise ReceiptMismatch("the receipt is not one of ours for this client") from None
    if not isinstance(user, str):
        raise ReceiptMismatch("the receipt is not one of ours for this client")
    return user
