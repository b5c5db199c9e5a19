"""Signing in: a name first, then a device key, or an app's code with the sign-in key; and out again.

Nothing here tells whether a name is known, which of the proofs was wrong, or whether an operator is locked out.
"""

from __future__ import annotations

from flask import Response, request

from authsvc.errors import InvalidRequest, Unauthenticated
from authsvc.operators.session import LONGEST
from authsvc.web.console.doors import (
    KNOWN,
    SESSION,
    SIGN_IN,
    VISIT,
    Answer,
    Pages,
    begin_visit,
    console,
    cookies,
    opened_by,
    requires,
    see,
    session,
    signed_in,
    typed,
)
from authsvc.web.console.rendering import as_json, page, refused
from authsvc.web.console.wording import N_, gettext

pages = Pages("sign-in")

NOT_ACCEPTED = N_("That was not accepted. After several failures the next try has to wait for a while.")
NO_CODE = N_("Please type the six digits that your app shows.")
KNOWN_SECONDS = 180 * 24 * 3600
SENSORS = ("publickey-credentials-get",)


@pages.get("/sign-in")
def begin() -> Answer:
    """Who are you? Every look begins a new visit, so that nothing of an earlier one is left."""
    if signed_in() is not None:
        return see("/console/")
    visit = begin_visit()
    response = page("console/sign_in/name.html")
    cookies().set(response, VISIT, visit)
    return response


@pages.post("/sign-in")
def name() -> Answer:
    visit = opened_by(VISIT)
    console().sign_in.name(visit, typed("name"), _source())
    return see(f"{SIGN_IN}/proof")


@pages.get("/sign-in/proof")
def proof() -> Answer:
    """Prove it, one way or the other."""
    visit = opened_by(VISIT)
    named = console().sign_in.named(visit)
    return see(SIGN_IN) if named is None else _proof(named)


@pages.post("/sign-in/key/begin")
def begin_key() -> Response:
    return as_json(console().sign_in.begin_key(opened_by(VISIT)))


@pages.put("/sign-in/key")
def finish_key() -> Answer:
    """The browser's answer; a good one signs in."""
    visit, credential = opened_by(VISIT), request.get_json(silent=True)
    try:
        shown = console().sign_in.finish_key(visit, credential if isinstance(credential, dict) else {})
    except Unauthenticated as error:
        return refused(error, 401, gettext(NOT_ACCEPTED))
    response = as_json({"state": "received"})
    return _signed_in(response, shown)


@pages.post("/sign-in/go-on")
def go_on() -> Answer:
    """The script has signed in."""
    return see("/console/")


@pages.post("/sign-in/app")
def by_app() -> Answer:
    visit = opened_by(VISIT)
    named = console().sign_in.named(visit)
    if named is None:
        return see(SIGN_IN)
    try:
        shown = console().sign_in.by_app(visit, typed("sign_in_key"), typed("code"))
    except Unauthenticated:
        return _proof(named, gettext(NOT_ACCEPTED), 401)
    except InvalidRequest:
        return _proof(named, gettext(NO_CODE), 422)
    return _signed_in(see("/console/"), shown)


@pages.post("/sign-out")
@requires()
def sign_out() -> Answer:
    console().sessions.end(session())
    response = see(SIGN_IN)
    cookies().forget(response, SESSION)
    return response


def _proof(named: str, message: str = "", status: int = 200) -> Response:
    return page("console/sign_in/proof.html", status=status, sensors=SENSORS, named=named, message=message)


def _source() -> str:
    """Where this sign-in comes from: a browser that has signed in before, or a network."""
    mark = cookies().read_if_there(KNOWN)
    return console().sign_in.source(mark, request.remote_addr or "")


def _signed_in(response: Answer, shown: str) -> Answer:
    cookies().set(response, SESSION, shown, round(LONGEST.total_seconds()))
    cookies().set(response, KNOWN, console().sign_in.mark(), KNOWN_SECONDS)
    cookies().forget(response, VISIT)
    return response
