"""Captures and device keys, which need a script: the script speaks to these routes, and they to the API with the token.

What goes wrong comes back as JSON in the person's language, so that the scripts hold no sentence of their own.
"""

from __future__ import annotations

from flask import Request, Response, jsonify, request

from authsvc.errors import AuthsvcError
from enrollment import wording
from enrollment.api import Api, Json
from enrollment.rendering import STATUS
from enrollment.session import Opened, must_be_ours


def begin(api: Api, opened: Opened, path: str, step: str) -> Response:
    """Begin a step; what the script needs for it."""
    must_be_ours(request, opened)
    try:
        return as_json(api.send("POST", f"{path}/begin", opened.token))
    except AuthsvcError as error:
        return refused(error, step)


def hand_in(api: Api, opened: Opened, path: str, step: str) -> Response:
    """Hand in the evidence, as it came."""
    try:
        return as_json(taken(api, opened, path, request))
    except AuthsvcError as error:
        return refused(error, step)


def taken(api: Api, opened: Opened, path: str, asked: Request) -> Json:
    """What the API says to this very body; raises what it refuses."""
    must_be_ours(asked, opened)
    return api.relay("PUT", path, opened.token, asked)


def refused(error: AuthsvcError, step: str) -> Response:
    """A refusal for a script: its slug, sentences for the person, and the codes that the sentences stand for."""
    body = {
        "slug": error.slug,
        "message": wording.failure(error),
        "hints": wording.hints(step.removeprefix("proof_"), error),
        "codes": wording.hint_codes(error),
    }
    response = jsonify(body)
    response.status_code = STATUS.get(error.slug, 400)
    response.headers["Cache-Control"] = "no-store"
    return response


def as_json(value: Json) -> Response:
    """A response for a script."""
    response = jsonify(value)
    response.headers["Cache-Control"] = "no-store"
    return response
