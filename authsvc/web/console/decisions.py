"""The list of decisions: sifted by a form whose address can be shared, in pages, and as a file for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import Response, request

from authsvc.domain.decision import Decision
from authsvc.domain.operator import Act
from authsvc.domain.sieve import Sieve
from authsvc.errors import InvalidRequest
from authsvc.habit.words import Signal
from authsvc.money import major_units
from authsvc.operators.lists import MOST_LISTED
from authsvc.web.console import codes, sifting, wording
from authsvc.web.console.doors import Pages, console, operator, requires
from authsvc.web.console.rendering import page
from authsvc.web.console.wording import N_, gettext, typed_amount

pages = Pages("decisions")

FIELDS = (
    "level",
    "status",
    "rule",
    "device",
    "factor",
    "warned",
    "signal",
    "client",
    "user",
    "currency",
    "at_least",
    "at_most",
    "days",
    "since",
    "until",
    "order",
)
WRONG = N_("Times are typed like 2026-11-27 14:30, amounts like 5000 or 5000.00.")
_PLAIN = ("at_least", "at_most", "since", "until", "currency")


@pages.get("/decisions")
@requires(Act.READ_DECISION)
def listed() -> Response:
    asked = _asked()
    try:
        sieve = sieve_of(asked, datetime.now(UTC))
        lists, after, order = console().lists, request.args.get("after", ""), asked["order"]
        if order in ("largest", "smallest"):
            found = lists.by_amount(operator(), sieve, after, smallest_first=order == "smallest")
        else:
            found = lists.page(operator(), sieve, after)
    except InvalidRequest:
        return _page(asked, None, message=gettext(WRONG), status=422)
    return _page(asked, found.decisions, older=found.next, whole=found.is_whole)


@pages.get("/decisions.csv")
@requires(Act.READ_DECISION)
def as_file() -> Response:
    """For a spreadsheet."""
    found = console().lists.file(operator(), sieve_of(_asked(), datetime.now(UTC)))
    return sifting.as_spreadsheet("decisions.csv", _lines(found.decisions))


def sieve_of(asked: Mapping[str, str], now: datetime) -> Sieve:
    """What the form asks for; raises InvalidRequest for what is no time and no amount."""
    since, until = sifting.span(asked, now)
    currency = asked["currency"].upper()
    bounded = asked["at_least"] or asked["at_most"]
    return Sieve(
        since=since,
        until=until,
        level=asked["level"],
        status=asked["status"],
        fired=asked["rule"],
        device_id=asked["device"],
        factor=asked["factor"],
        warned=asked["warned"],
        signal=asked["signal"],
        client=asked["client"],
        user=asked["user"],
        currency=currency or ("CNY" if bounded else ""),
        at_least=typed_amount(asked["at_least"], currency or "CNY"),
        at_most=typed_amount(asked["at_most"], currency or "CNY"),
        oldest_first=asked["order"] == "oldest",
    )


def _asked() -> dict[str, str]:
    asked = sifting.asked(FIELDS, _PLAIN)
    if not (asked["days"] or asked["since"] or asked["until"]):
        asked["days"] = "week"
    return asked


def _page(
    asked: Mapping[str, str],
    found: tuple[Decision, ...] | None,
    *,
    older: str = "",
    whole: bool = True,
    message: str = "",
    status: int = 200,
) -> Response:
    given = {name: text for name, text in asked.items() if text}
    return page(
        "console/decisions.html",
        status=status,
        asked=asked,
        found=found,
        whole=whole,
        message=message,
        query=urlencode(given),
        reordered=sifting.reordering(given),
        older=urlencode({**given, "after": older}) if older else "",
        levels=_options(wording.LEVELS),
        statuses=_options({name: words for name, words in wording.STATUSES.items() if name != "refused"}),
        factors=_options(wording.FACTORS),
        scams=_options(wording.SCAMS),
        signals=_options({name: codes.INPUTS[name] for name in Signal}),
        days=_options(sifting.DAY_NAMES),
        most=MOST_LISTED,
    )


def _options(names: Mapping[str, str]) -> list[tuple[str, str]]:
    """What can be chosen, each with its word in the language of the page."""
    return [(name, gettext(words)) for name, words in names.items()]


def _lines(decisions: tuple[Decision, ...]) -> Iterator[tuple[str, ...]]:
    yield (
        "id", "created_at", "client", "user_id", "transaction_id", "type", "amount", "currency", "payee",
        "level", "status", "rules", "device_id", "novelty",
    )  # fmt: skip
    for each in decisions:
        payment = each.payment
        yield (
            each.id,
            each.created_at.isoformat(),
            payment.subject.client,
            payment.subject.user,
            payment.transaction_id,
            payment.type,
            major_units(payment.amount_minor, payment.currency),
            payment.currency,
            payment.payee.name,
            each.level,
            each.status.value,
            " ".join(each.fired),
            each.device_id or "",
            each.novelty,
        )
