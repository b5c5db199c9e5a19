"""One decision explained, one user looked after: for whoever is asked why a payment went as it did."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Response, request

from authsvc.domain.operator import Act
from authsvc.errors import InvalidRequest, NotFound
from authsvc.services.views import account_view, device_view
from authsvc.subject import Subject
from authsvc.text import fault_of_identifier, typed_plainly
from authsvc.text import typed as as_meant
from authsvc.web.console.doors import Answer, Pages, console, operator, requires, see, typed
from authsvc.web.console.rendering import as_json, page

LONGEST = 200

pages = Pages("cases")


@pages.get("/cases")
@requires(Act.READ_DECISION)
def begin() -> Answer:
    """A decision by its id, a user by the payment backend's name for them."""
    decision = typed_plainly(request.args.get("decision", "")).lower()
    if decision:
        return (
            see(f"/console/decisions/{decision}")
            if decision.isascii() and "/" not in decision
            else _nothing()
        )
    user = as_meant(request.args.get("user", ""))
    if user and operator().may(Act.READ_USER):
        return _found(user)
    return _begin()


@pages.get("/decisions/<decision_id>")
@requires(Act.READ_DECISION)
def decision(decision_id: str) -> Response:
    return page("console/decision.html", case=console().cases.decision(operator(), decision_id))


@pages.get("/decisions/<decision_id>/evidence")
@requires(Act.READ_AUDIT)
def evidence(decision_id: str) -> Response:
    """The bundle, as a file to keep."""
    response = as_json(console().records.evidence(operator(), decision_id))
    response.headers["Content-Disposition"] = f'attachment; filename="{decision_id}.evidence.json"'
    response.headers["Cache-Control"] = "no-store"
    return response


@pages.get("/user")
@requires(Act.READ_USER)
def user() -> Response:
    case = console().cases.user(operator(), _subject(request.args))
    return page(
        "console/user.html",
        case=case,
        shown=account_view(case.account, case.now),
        is_stopped=case.account.attempts.is_stopped(case.now),
        devices=[device_view(device, case.now) for device in case.devices],
    )


@pages.post("/user/freeze")
@requires(Act.FREEZE_USER)
def freeze() -> Answer:
    subject = _subject(request.form)
    console().cases.freeze(operator(), subject, typed("reason", 400))
    return _back_to(subject)


@pages.post("/user/unfreeze")
@requires(Act.UNFREEZE_USER)
def ask_unfreeze() -> Answer:
    """The first of two."""
    subject = _subject(request.form)
    console().cases.ask_unfreeze(operator(), subject, typed("reason", 400))
    return _back_to(subject)


@pages.post("/unfreezes/<request_id>/<answer>")
@requires(Act.UNFREEZE_USER)
def answer_unfreeze(request_id: str, answer: str) -> Answer:
    """The second of two."""
    answers = {"confirm": console().cases.confirm_unfreeze, "refuse": console().cases.refuse_unfreeze}
    if answer not in answers:
        raise NotFound("there is no such answer")
    return _back_to(answers[answer](operator(), request_id))


def _begin(message: str = "") -> Response:
    may_unfreeze = operator().may(Act.UNFREEZE_USER)
    return page(
        "console/cases.html",
        status=404 if message else 200,
        message=message,
        found=(),
        may_read_users=operator().may(Act.READ_USER),
        waiting=console().cases.waiting() if may_unfreeze else (),
    )


def _nothing() -> Answer:
    raise NotFound("no such decision")


def _found(user: str) -> Answer:
    """Straight to the user where there is one of that name, as it was typed or in plain characters."""
    plainly = typed_plainly(user)
    names = [user, *([plainly] if plainly != user else [])]
    found = next(filter(None, (console().cases.users_named(operator(), name) for name in names)), ())
    if len(found) == 1:
        return _back_to(found[0])
    if not found:
        raise NotFound("no such user")
    return page("console/cases.html", message="", found=found, may_read_users=True, waiting=())


def _subject(named: Mapping[str, str]) -> Subject:
    """The user of a link or a form of ours, to the letter: whom the page shows is whom it acts on."""
    client, user = named.get("client", ""), named.get("user", "")
    fault = fault_of_identifier(client) or fault_of_identifier(user)
    if fault is not None or len(client) > LONGEST or len(user) > LONGEST:
        raise InvalidRequest("a user is named by client and user", fault=fault)
    return Subject(client, user)


def _back_to(subject: Subject) -> Answer:
    return see(f"/console/user?{urlencode({'client': subject.client, 'user': subject.user})}")
