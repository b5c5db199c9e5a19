"""Who comes in, and what they may do: cookies, the session behind them, the key of every form, and `requires`.

The session's secret stands in a cookie that no script reads, that no other site sends, and that the API's planes do not know.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Blueprint, Response, current_app, g, redirect, request
from werkzeug.wrappers import Response as Answer

from authsvc.domain.operator import Act, Operator
from authsvc.errors import InvalidRequest, Unauthenticated
from authsvc.look.forms import form_key, must_be_ours
from authsvc.operators.console import Console
from authsvc.operators.session import Session, SessionKind
from authsvc.web.console.wording import DEPENDENCIES

Path = ParamSpec("Path")
View = TypeVar("View", bound=Answer)

EXTENSION = "authsvc.console"
SIGN_IN = "/console/sign-in"

SESSION = "console"
VISIT = "console-visit"
INVITATION = "console-invitation"
KNOWN = "console-known"


class Pages(Blueprint):
    """The pages of one subject of the console; `name` is unique among them."""

    def __init__(self, name: str) -> None:
        super().__init__(name, __name__)


class Cookies:
    """Our cookies of one browser. On plain http they cannot have the `__Host-` prefix."""

    def __init__(self, base_url: str) -> None:
        self._secure = base_url.startswith("https://")

    def read(self, name: str) -> str:
        """The cookie's value; raises Unauthenticated where there is none."""
        value = self.read_if_there(name)
        if not value:
            raise Unauthenticated("this browser brought no such cookie")
        return value

    def read_if_there(self, name: str) -> str:
        return request.cookies.get(self._named(name), "")

    def set(self, response: Answer, name: str, value: str, seconds: int | None = None) -> None:
        """Keep a secret: for a time, or until the browser is closed."""
        response.set_cookie(
            self._named(name),
            value,
            max_age=seconds,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Strict",
        )

    def forget(self, response: Answer, name: str) -> None:
        response.delete_cookie(
            self._named(name), path="/", secure=self._secure, httponly=True, samesite="Strict"
        )

    def _named(self, name: str) -> str:
        return f"__Host-{name}" if self._secure else name


def console() -> Console:
    """The service as the console asks it."""
    return cast(Console, current_app.extensions[EXTENSION][0])


def cookies() -> Cookies:
    return cast(Cookies, current_app.extensions[EXTENSION][1])


def silent() -> tuple[str, ...]:
    """What the service depends on and does not hear from at this moment, by its names in `/readyz`."""
    _, found = current_app.extensions[EXTENSION][2]()
    return tuple(
        name
        for name in DEPENDENCIES
        if found.get(name, "ok") != "ok" and (not isinstance(found[name], Mapping) or "error" in found[name])
    )


def session() -> Session:
    """The session that this request came with; only behind `requires`."""
    found: Session = g.console_session
    return found


def operator() -> Operator:
    """Who is asking, as the store knows them at this moment; only behind `requires`."""
    return session().operator


def operator_names() -> dict[str, str]:
    """Operators' names by their ids, read once for a page; who is not among them installed the service."""
    if "operator_names" not in g:
        g.operator_names = {account.id: account.name for account in console().roster()}
    names: dict[str, str] = g.operator_names
    return names


def signed_in() -> Session | None:
    """The session, None for a browser that has none or none that is good any more."""
    try:
        return console().sessions.admit(cookies().read(SESSION), SessionKind.BROWSER)
    except Unauthenticated:
        return None


def requires(act: Act | None = None) -> Callable[[Callable[Path, View]], Callable[Path, View]]:
    """Only for whoever is signed in and, where an act is named, may do that; a refusal is a line in the audit.

    A change must have been asked for by one of our own pages: its form carries the key of this session.
    """

    def guard(view: Callable[Path, View]) -> Callable[Path, View]:
        @wraps(view)
        def guarded(*args: Path.args, **kwargs: Path.kwargs) -> View:
            found = signed_in()
            if found is None:
                return cast(View, _to_sign_in())
            g.console_session = found
            g.form_key = form_key(cookies().read(SESSION))
            if request.method not in ("GET", "HEAD"):
                must_be_ours(request, g.form_key)
            if act is not None:
                rule = request.url_rule
                console().sessions.permit(found.operator, act, "" if rule is None else rule.rule)
            return view(*args, **kwargs)

        return guarded

    return guard


def begin_visit() -> str:
    """A fresh secret for a browser that is not signed in; the forms of the page that is made next carry its key."""
    secret = secrets.token_urlsafe(32)
    g.form_key = form_key(secret)
    return secret


def opened_by(name: str) -> str:
    """The secret in a cookie that opens a visit or an invitation; a change must carry the key that belongs to it."""
    secret = cookies().read(name)
    g.form_key = form_key(secret)
    if request.method not in ("GET", "HEAD"):
        must_be_ours(request, g.form_key)
    return secret


def typed(name: str, longest: int = 200) -> str:
    """A field of the form, trimmed; raises InvalidRequest for more than a person types."""
    text = request.form.get(name, "").strip()
    if len(text) > longest:
        raise InvalidRequest(f"`{name}` is longer than {longest} characters")
    return text


def see(path: str) -> Answer:
    """On to another page, after a change."""
    return redirect(path, 303)


def _to_sign_in() -> Answer:
    if request.method in ("GET", "HEAD"):
        return see(SIGN_IN)
    raise Unauthenticated("nobody is signed in")


__all__ = [
    "Answer",
    "Cookies",
    "Pages",
    "Response",
    "begin_visit",
    "console",
    "cookies",
    "opened_by",
    "operator",
    "operator_names",
    "requires",
    "see",
    "session",
    "signed_in",
    "typed",
]
