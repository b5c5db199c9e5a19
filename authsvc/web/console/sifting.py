"""What the lists share: a form that says what is wanted, days by the operator's clock, and files for spreadsheets."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from flask import Response, make_response, request

from authsvc.text import typed, typed_plainly
from authsvc.web.console import wording
from authsvc.web.console.wording import N_, gettext

DAYS: Mapping[str, tuple[int, int]] = {
    "today": (0, 1),
    "yesterday": (-1, 0),
    "week": (-6, 1),
    "month": (-29, 1),
}
"""Spans of days beside today: from which on, and until before which."""

DAY_NAMES = {
    "today": N_("Today"),
    "yesterday": N_("Yesterday"),
    "week": N_("Last 7 days"),
    "month": N_("Last 30 days"),
    "": N_("From and until"),
}
# Signs of full width count where Chinese and Japanese are typed; where lists are separated by `;`, a cell begins behind each.
_FORMULA = re.compile(r'^(?=\s*[=+\-@＝＋－＠]|[\t\r\n])|(?<=;)(?=[\s"]*[=+\-@＝＋－＠])')
_OFFSET = timedelta(hours=14)


def asked(fields: Iterable[str], plain: Iterable[str]) -> dict[str, str]:
    """What was typed in each field, bounded; in the `plain` ones full-width signs are read as what they look like."""
    found = {name: typed(request.args.get(name, ""))[:200] for name in fields}
    found |= {name: typed_plainly(found[name]) for name in plain}
    # Whoever types a time means it, whatever days are still chosen beside it.
    return found | ({"days": ""} if found["since"] or found["until"] else {})


def reordering(given: Mapping[str, str]) -> Callable[[str], str]:
    """The query of the same list in another order, from its beginning."""
    kept = {name: text for name, text in given.items() if name != "order"}
    return lambda order: urlencode({**kept, "order": order} if order else kept)


def span(asked: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """Days are those of the operator's own clock, which the page's script states in minutes east of UTC."""
    if asked["days"] in DAYS:
        offset = east()
        midnight = (now + offset).replace(hour=0, minute=0, second=0, microsecond=0) - offset
        first, last = DAYS[asked["days"]]
        return midnight + timedelta(days=first), midnight + timedelta(days=last)
    since = wording.typed_time(asked["since"], east()) or now - timedelta(days=7)
    return since, wording.typed_time(asked["until"], east()) or now + timedelta(seconds=1)


def day_names() -> dict[str, str]:
    """Spans of days for a list that is of any time where nothing is said."""
    return {name: gettext(words) for name, words in DAY_NAMES.items() if name}


def east() -> timedelta:
    """How far the operator's own clock is ahead of UTC."""
    stated = request.cookies.get("east", "480")
    offset = timedelta(minutes=int(stated)) if re.fullmatch(r"-?\d{1,3}", stated) else timedelta(hours=8)
    return max(-_OFFSET, min(_OFFSET, offset))


def zone() -> str:
    """The operator's zone, for an axis of time: `UTC+8`."""
    hours, minutes = divmod(abs(east()) // timedelta(minutes=1), 60)
    sign = "-" if east() < timedelta() else "+"
    return f"UTC{sign}{hours}" + (f":{minutes:02}" if minutes else "")


def as_spreadsheet(name: str, lines: Iterable[Iterable[str]]) -> Response:
    """Lines as a file, with a mark by which the usual programs read it as UTF-8; no cell is a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([as_cell(cell) for cell in line] for line in lines)
    response = make_response(b"\xef\xbb\xbf" + text.getvalue().encode())
    response.content_type = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def as_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: a payee may be called anything."""
    return _FORMULA.sub("'", text)
