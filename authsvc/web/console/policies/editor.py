"""Writing a policy: the text on one side, and on the other what it would do, as one writes or at the press of a button."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from authsvc.domain.operator import Act
from authsvc.errors import InvalidRequest
from authsvc.policy.life import Form
from authsvc.policy.profiles import Profile
from authsvc.policy_life.service import LARGEST_PAGE, Look
from authsvc.web.console.doors import Answer, Pages, operator, requires, see, typed
from authsvc.web.console.policies.numbers import numbers
from authsvc.web.console.policies.numbers import written as with_numbers
from authsvc.web.console.policies.report_view import estimate_view
from authsvc.web.console.policies.shown import REFUSED, active, policies, refused_on
from authsvc.web.console.policies.table_view import table_view
from authsvc.web.console.policies.words import words
from authsvc.web.console.rendering import page

pages = Pages("policy-editor")

LONGEST_TEXT = 400_000
_VERSION = re.compile(r"(?m)^version = \d+[ \t]*$")


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the form."""

    text: str
    form: Form
    note: str
    profile: Profile | None


@pages.get("/policies/new")
@requires(Act.DRAFT_POLICY)
def new() -> Response:
    """Begin with a version that is there, by default the active one, under the next free number."""
    base = request.args.get("from")
    version = policies().version(operator(), base) if base else active().version
    text = (
        _renumbered(version.source.text, _next_number(version.policy_id))
        if version.policy_id
        else version.source.text
    )
    return _editor(Written(text, version.source.form, "", None))


@pages.post("/policies/new")
@requires(Act.DRAFT_POLICY)
def save() -> Answer:
    """Write it down as a new version, or look at it without doing so."""
    written = _written()
    if request.form.get("act") != "save":
        return _editor(written, policies().look_at(operator(), written.text, written.form, written.profile))
    try:
        version = policies().draft(operator(), written.text, written.form, written.note)
    except REFUSED as error:
        return refused_on(error, lambda **shown: _editor(written, **shown))
    return see(f"/console/policies/{version.id}")


@pages.post("/policies/preview")
@requires(Act.DRAFT_POLICY)
def preview() -> Response:
    """What the page's script puts beside the text."""
    written = _written()
    look = policies().look_at(operator(), written.text, written.form, written.profile)
    return page("console/policies/looked.html", **_seen(written, look))


@pages.get("/policies/words")
@requires(Act.DRAFT_POLICY)
def words_of_a_document() -> Response:
    """What the page's script offers while somebody writes."""
    return Response(json.dumps(words()), mimetype="application/json")


def _written() -> Written:
    text = request.form.get("text", "").replace("\r\n", "\n")
    if len(text) > LONGEST_TEXT:
        raise InvalidRequest(f"a document has at most {LONGEST_TEXT} characters")
    named = typed("profile")
    profile = Profile(named) if named in list(Profile) else None
    form: Form = "json" if typed("form") == "json" else "toml"
    if form == "toml":
        text = with_numbers(text, request.form)
    return Written(text, form, typed("note", 400), profile)


def _editor(
    written: Written,
    look: Look | None = None,
    *,
    status: int = 200,
    message: str = "",
    detail: str = "",
    faults: object = (),
) -> Response:
    seen = _seen(written, look)
    if faults:
        seen["faults"] = faults
    return page(
        "console/policies/editor.html",
        status=status,
        written=written,
        active=active(),
        profiles=list(Profile),
        message=message,
        detail=detail,
        **seen,
    )


def _seen(written: Written, look: Look | None) -> dict[str, Any]:  # Any: what a template names.
    found = None if look is None else look.found
    return {
        "numbers": numbers(written.text) if written.form == "toml" else (),
        "estimate": estimate_view(None if found is None else found.get("estimate")),
        "lines": written.text.split("\n"),
        "looked": look is not None,
        "faults": () if look is None else look.faults,
        "found": found,
        "table": None if found is None else table_view(found["report"]["table"]),
    }


def _next_number(policy_id: str) -> int:
    taken = policies().versions(operator(), None, LARGEST_PAGE)
    return 1 + max((each.number or 0 for each in taken if each.policy_id == policy_id), default=0)


def _renumbered(text: str, number: int) -> str:
    """A number names one document for good, so the next one gets the next."""
    return _VERSION.sub(f"version = {number}", text, count=1)
