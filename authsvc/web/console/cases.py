"""One decision explained, one user looked after: for whoever is asked why a payment went as it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from flask import Response, request

from authsvc.domain.decision import Decision
from authsvc.domain.operator import Act
from authsvc.errors import InvalidRequest, NotFound
from authsvc.services.views import account_view, device_view
from authsvc.subject import Subject
from authsvc.text import fault_of_identifier, typed_plainly
from authsvc.text import typed as as_meant
from authsvc.web.console.doors import Answer, Pages, console, operator, requires, see, typed
from authsvc.web.console.habits import pictures, told
from authsvc.web.console.rendering import as_json, page

LONGEST = 200

pages = Pages("cases")


@pages.get("/cases")
@requires(Act.READ_DECISION)
def begin() -> Answer:
    """Whatever somebody has in hand: an id of ours, a backend's transaction id, or its name for a user, odd letters and all."""
    text = request.args.get("q", "")[:LONGEST]
    for name in _spellings(text):
        decisions = console().lists.named(operator(), name)
        if len(decisions) == 1:
            return see(f"/console/decisions/{decisions[0].id}")
        users = console().cases.users_named(operator(), name) if operator().may(Act.READ_USER) else ()
        if not decisions and len(users) == 1:
            return _back_to(users[0])
        if decisions or users:
            return _search(text, decisions, users)
    return _search(text, status=404 if text else 200)


def _spellings(text: str) -> list[str]:
    """As it came, as a person meant it, and in plain characters: an id may hold what nobody sees."""
    said = (text, as_meant(text), typed_plainly(text), text.strip().lower())
    return [each for each in dict.fromkeys(said) if each]


@pages.get("/decisions/<decision_id>")
@requires(Act.READ_DECISION)
def decision(decision_id: str) -> Response:
    case = console().cases.decision(operator(), decision_id)
    return page("console/decision.html", case=case, unlike=_unlike(case.decision))


def _unlike(decision: Decision) -> list[tuple[str, str]] | None:
    """In what the payment is unlike its payer's habits, with a sentence each; None of an act on the account."""
    if decision.habit is None:
        return None
    return [(name, told(name, numbers)) for name, numbers in decision.habit.present.items()]


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
        pictures=() if case.habits is None else pictures(case.habits),
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


def _search(
    text: str, decisions: Sequence[Decision] = (), users: Sequence[Subject] = (), status: int = 200
) -> Response:
    may_unfreeze = operator().may(Act.UNFREEZE_USER)
    return page(
        "console/cases.html",
        status=status,
        text=text,
        decisions=decisions,
        users=users,
        may_read_users=operator().may(Act.READ_USER),
        waiting=console().cases.waiting() if may_unfreeze else (),
    )


def _subject(named: Mapping[str, str]) -> Subject:
    """The user of a link or a form of ours, to the letter: whom the page shows is whom it acts on."""
    client, user = named.get("client", ""), named.get("user", "")
    fault = fault_of_identifier(client) or fault_of_identifier(user)
    if fault is not None or len(client) > LONGEST or len(user) > LONGEST:
        raise InvalidRequest("a user is named by client and user", fault=fault)
    return Subject(client, user)


def _back_to(subject: Subject) -> Answer:
    return see(f"/console/user?{urlencode({'client': subject.client, 'user': subject.user})}")
