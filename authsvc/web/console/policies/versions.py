"""Every version with its state, the log of what was active, and one version with the steps that it may take next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request

from authsvc.domain.operator import Act
from authsvc.errors import NotFound
from authsvc.policy.life import State
from authsvc.policy.picture import picture
from authsvc.policy.profiles import Profile
from authsvc.policy_life.service import LARGEST_PAGE
from authsvc.web.console.doors import Answer, Pages, operator, requires, see, typed
from authsvc.web.console.policies.shown import REFUSED, active, policies, refused_on, version_page
from authsvc.web.console.policies.steps import PATH, milestone, offered, standing_in_the_way
from authsvc.web.console.policies.table_view import table_view
from authsvc.web.console.rendering import page

pages = Pages("policies")

PAGE = 30
LONGEST_NOTE = 400


@pages.get("/policies")
@requires(Act.READ_POLICY)
def index() -> Response:
    return _index()


@pages.get("/policies/<version_id>")
@requires(Act.READ_POLICY)
def show(version_id: str) -> Response:
    return _version(version_id)


@pages.get("/policies/<version_id>/change.svg")
@requires(Act.READ_POLICY)
def change(version_id: str) -> Response:
    """The change from the active policy as a picture, to keep or to print."""
    drawn = picture(policies().active_policy(operator()), policies().policy(operator(), version_id))
    response = Response(drawn, mimetype="image/svg+xml")
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@pages.post("/policies/<version_id>/validate")
@requires(Act.READ_POLICY)
def validate(version_id: str) -> Answer:
    return _taken(version_id, lambda: policies().validate(operator(), version_id))


@pages.post("/policies/<version_id>/analyze")
@requires(Act.READ_POLICY)
def analyze(version_id: str) -> Answer:
    named = typed("profile")
    profile = Profile(named) if named in list(Profile) else None
    return _taken(version_id, lambda: policies().analyze(operator(), version_id, profile))


@pages.post("/policies/<version_id>/approve")
@requires(Act.READ_POLICY)
def approve(version_id: str) -> Answer:
    accepting, note = tuple(request.form.getlist("accepting")), typed("note", LONGEST_NOTE)
    return _taken(version_id, lambda: policies().approve(operator(), version_id, accepting, note))


@pages.post("/policies/<version_id>/activate")
@requires(Act.READ_POLICY)
def activate(version_id: str) -> Answer:
    """In place of the publication that the page showed, and of no other."""
    if_match, note = typed("if_match"), typed("note", LONGEST_NOTE)
    return _taken(version_id, lambda: policies().activate(operator(), version_id, if_match, note))


@pages.post("/policies/roll-back")
@requires(Act.READ_POLICY)
def roll_back() -> Answer:
    try:
        policies().roll_back(operator(), typed("if_match"), typed("note", LONGEST_NOTE))
    except REFUSED as error:
        return refused_on(error, _index)
    return see("/console/policies")


def _taken(version_id: str, step: Callable[[], object]) -> Answer:
    """Take a step and look at the version again; a refusal is shown where the form was."""
    try:
        step()
    except REFUSED as error:
        return refused_on(error, lambda **shown: _version(version_id, **shown))
    return see(f"/console/policies/{version_id}")


def _index(*, status: int = 200, **refusal: Any) -> Response:  # Any: what `refused_on` tells.
    listed = policies().versions(operator(), request.args.get("after") or None, PAGE)
    history = policies().history(operator())
    backwards = (
        next((each for each in history if each.number == history[0].back_to), None) if history else None
    )
    return page(
        "console/policies/index.html",
        status=status,
        active=active(),
        versions=listed,
        more=listed[-1].id if len(listed) == PAGE else "",
        history=history,
        backwards=backwards,
        numbers={each.id: each for each in policies().versions(operator(), None, LARGEST_PAGE)},
        may_activate=operator().may(Act.ACTIVATE_POLICY),
        may_draft=operator().may(Act.DRAFT_POLICY),
        **refusal,
    )


def _version(version_id: str, *, status: int = 200, **refusal: Any) -> Response:  # Any: as above.
    version, current = policies().version(operator(), version_id), active()
    examined = version.examined
    lab = policies().lab_proof(operator()) if version.state is State.APPROVED else None
    stored = None if examined is None else examined.report.get("table")
    return version_page(
        "console/policies/version.html",
        version,
        status=status,
        active=current,
        path=PATH,
        milestone=milestone(version),
        offers={each.step: each for each in offered(version, operator(), current.publication.digest, lab)},
        standing=standing_in_the_way(version),
        lab=lab,
        table=None if not isinstance(stored, dict) else table_view(stored),
        profiles=list(Profile),
        is_current=version.id == current.version.id,
        shadow=_shadow_since(version_id),
        may_draft=operator().may(Act.DRAFT_POLICY),
        **refusal,
    )


def _shadow_since(version_id: str) -> object:
    try:
        return policies().shadow(operator(), version_id).run
    except NotFound:
        return None
