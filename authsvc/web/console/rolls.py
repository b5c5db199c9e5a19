"""Lists of users, devices and events: sifted by a form whose address can be shared, in pages, and as a file for a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from authsvc.clock import rfc3339
from authsvc.device.credential import Device
from authsvc.domain.account import Account
from authsvc.domain.operator import Act
from authsvc.domain.roll import Roll, Wanted
from authsvc.errors import InvalidRequest, NotFound
from authsvc.events import Event
from authsvc.operators.rolls import Rolls, as_text
from authsvc.web.console import happened, sifting, wording
from authsvc.web.console.doors import Pages, console, operator, requires
from authsvc.web.console.rendering import page
from authsvc.web.console.sifting import DAYS, as_spreadsheet, day_names, span
from authsvc.web.console.wording import N_, gettext

pages = Pages("rolls")

FIELDS = ("days", "since", "until", "client", "user", "state", "order")
WRONG = N_("Times are typed like 2026-11-27 14:30.")
WHENEVER = N_("Whenever")


@dataclass(frozen=True, slots=True)
class Kind:
    """One list: where it comes from, by what state it is sifted, and its lines in a file."""

    title: str
    read: Callable[..., Roll[Any]]  # Any: accounts, devices or events.
    states: Mapping[str, str]
    columns: tuple[str, ...]
    cells: Callable[[Any], tuple[str, ...]]


def _user_cells(each: Account) -> tuple[str, ...]:
    subject = each.subject
    return (
        subject.client,
        subject.user,
        each.status.value,
        " ".join(sorted(each.factors)),
        rfc3339(each.created_at),
    )


def _device_cells(each: Device) -> tuple[str, ...]:
    subject = each.subject
    seen = "" if each.seen_at is None else rfc3339(each.seen_at)
    return subject.client, subject.user, each.id, each.name, each.state.value, rfc3339(each.created_at), seen


def _event_cells(each: Event) -> tuple[str, ...]:
    data = json.dumps(dict(each.data), ensure_ascii=False)
    return rfc3339(each.at), each.tag, each.subject.client, each.subject.user, data


KINDS: Mapping[str, Kind] = {
    "users": Kind(
        N_("Users"),
        Rolls.users,
        wording.ACCOUNTS,
        ("client", "user_id", "status", "factors", "created_at"),
        _user_cells,
    ),
    "devices": Kind(
        N_("Devices"),
        Rolls.devices,
        wording.DEVICES,
        ("client", "user_id", "device_id", "name", "state", "created_at", "seen_at"),
        _device_cells,
    ),
    "events": Kind(
        N_("Events"), Rolls.events, happened.TAGS, ("at", "tag", "client", "user_id", "data"), _event_cells
    ),
}


@pages.get("/rolls/<name>")
@requires(Act.READ_USER)
def listed(name: str) -> Response:
    kind, asked = _kind(name), _asked()
    try:
        found = kind.read(console().rolls, operator(), wanted_of(asked), request.args.get("after", ""))
    except InvalidRequest:
        return _page(name, kind, asked, None, message=gettext(WRONG), status=422)
    return _page(name, kind, asked, found)


@pages.get("/rolls/<name>.csv")
@requires(Act.READ_USER)
def as_file(name: str) -> Response:
    kind = _kind(name)
    found = kind.read(console().rolls, operator(), wanted_of(_asked()), whole=True)
    return as_spreadsheet(f"{name}.csv", [kind.columns, *map(kind.cells, found.rows)])


def wanted_of(asked: Mapping[str, str]) -> Wanted:
    """What the form asks for; raises InvalidRequest for what is no time."""
    some = asked["days"] in DAYS or asked["since"] or asked["until"]
    since, until = span(asked, datetime.now(UTC)) if some else (None, None)
    return Wanted(
        client=asked["client"],
        begins=asked["user"],
        state=asked["state"],
        since=since,
        until=until,
        oldest_first=asked["order"] == "oldest",
    )


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise NotFound("there is no such list")
    return KINDS[name]


def _asked() -> dict[str, str]:
    return sifting.asked(FIELDS, ("since", "until"))


def _page(
    name: str,
    kind: Kind,
    asked: Mapping[str, str],
    found: Roll[Any] | None,
    *,
    message: str = "",
    status: int = 200,
) -> Response:
    given = {field: text for field, text in asked.items() if text}
    onward = "" if found is None else as_text(found.next)
    return page(
        "console/roll.html",
        status=status,
        name=name,
        kinds=KINDS,
        title=kind.title,
        states=kind.states,
        asked=asked,
        days={"": gettext(WHENEVER), **day_names()},
        rows=None if found is None else found.rows,
        now=datetime.now(UTC),
        message=message,
        query=urlencode(given),
        reordered=sifting.reordering(given),
        onward=urlencode({**given, "after": onward}) if onward else "",
    )
