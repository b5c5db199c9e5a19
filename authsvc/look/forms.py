"""Whose form is it? Every change that a page asks for carries a key that only a page of this very visit can know."""

from __future__ import annotations

import hmac

from flask import Request

from authsvc.errors import Unauthenticated

LABEL = b"authsvc page form v1"


def form_key(secret: str) -> str:
    """What our own forms carry: known to whoever was handed the secret, guessed by nobody else."""
    return hmac.new(secret.encode(), LABEL, "sha256").hexdigest()


def must_be_ours(request: Request, expected_key: str) -> None:
    """Raises Unauthenticated for a change that no page of ours asked for: a form or a script of another site."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise Unauthenticated("the request came from another site")
    shown = request.headers.get("X-Form-Key") or request.form.get("form_key", "")
    if not hmac.compare_digest(shown.encode(), expected_key.encode()):
        raise Unauthenticated("the form is not one of ours")
