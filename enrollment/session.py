"""The token between two requests: handed over in a form's body, kept in a cookie of its own, never in an address.

A shop sends the person here with a form that is posted by itself. What it carries stays in an HttpOnly cookie for as long
as the object lives, so that no script of a page ever holds a token; scripts speak to the API through `relay`.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from flask import Request
from werkzeug.wrappers import Response

from authsvc.errors import InvalidRequest, Unauthenticated
from authsvc.look import forms

COOKIE_LIFE = 15 * 60
"""Seconds; no object that a token opens lives longer."""

LONGEST_COOKIE = 3500


@dataclass(frozen=True, slots=True)
class Opened:
    """What a browser was handed: the token of one object, and the new device that it brings back to the shop at the end."""

    token: str
    device_id: str = ""
    device_secret: str = ""

    @property
    def form_key(self) -> str:
        """What our own forms carry: known to whoever was handed the token, guessed by nobody else."""
        return forms.form_key(self.token)


class Doorkeeper:
    """`kind` is the first part of the path: `c`, `e` or `o`. On plain http the cookie cannot have the `__Host-` prefix."""

    def __init__(self, kind: str, base_url: str) -> None:
        self._kind = kind
        self._secure = base_url.startswith("https://")

    def opened(self, request: Request, object_id: str) -> Opened:
        """What this browser was handed for the object; raises Unauthenticated when nothing was."""
        found = parse_qs(request.cookies.get(self._name(object_id), ""))
        token = found.get("t", [""])[0]
        if not token:
            raise Unauthenticated("this browser was not handed a token for the page")
        return Opened(token, *(found.get(name, [""])[0] for name in ("d", "s")))

    def keep(self, response: Response, object_id: str, opened: Opened) -> None:
        """Set the cookie. Lax and not Strict, because the person arrives from the shop."""
        fields = {"t": opened.token, "d": opened.device_id, "s": opened.device_secret}
        value = urlencode({name: text for name, text in fields.items() if text})
        if len(value) > LONGEST_COOKIE:
            raise InvalidRequest("what was handed over is too long")
        response.set_cookie(
            self._name(object_id),
            value,
            max_age=COOKIE_LIFE,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )

    def _name(self, object_id: str) -> str:
        return f"{'__Host-' if self._secure else ''}{self._kind}-{object_id}"


def must_be_ours(request: Request, opened: Opened) -> None:
    """Raises Unauthenticated for a change that no page of ours asked for: a form or a script of another site."""
    forms.must_be_ours(request, opened.form_key)
