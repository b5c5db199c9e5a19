"""One payer's habits as small pictures: columns under labels that people read, each with its number. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from authsvc.habit.sentences import EN, ZH, sentences
from authsvc.look import language
from authsvc.web.console.codes import TYPES
from authsvc.web.console.wording import N_, amount, gettext, named

Json = Mapping[str, Any]  # Any: as `authsvc.habit.described` returns it.

WEEKDAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
_KNOWN = {
    "payees": N_("Payees"),
    "devices": N_("Devices that paid"),
    "channels": N_("Channels"),
    "places": N_("Places"),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """`numbers` are payments that have faded, one for each label; `note` says what is usual."""

    key: str
    title: str
    labels: tuple[str, ...]
    numbers: tuple[float, ...]
    note: str = ""

    @property
    def most(self) -> float:
        return max(self.numbers, default=0.0) or 1.0

    @property
    def total(self) -> float:
        return sum(self.numbers)

    @property
    def rows(self) -> list[tuple[str, float]]:
        """Every number that is not zero, beside its label."""
        return [(label, each) for label, each in zip(self.labels, self.numbers, strict=True) if each]


def pictures(habits: Json) -> list[Picture]:
    """In the order of the page."""
    hours = tuple(f"{hour:02}" for hour in range(24))
    return [
        Picture("hours", gettext(N_("Hours (UTC)")), hours, tuple(habits["hours_utc"])),
        Picture(
            "weekdays",
            gettext(N_("Days of the week (UTC)")),
            tuple(map(gettext, WEEKDAYS)),
            tuple(habits["weekdays_utc"]),
        ),
        *_amounts(habits["amounts"]),
        _powers("gaps", gettext(N_("Hours between two payments")), habits["gaps"]),
        _powers("bursts", gettext(N_("Payments within an hour")), habits["payments_an_hour"]),
        *(_known(name, gettext(title), habits[name]) for name, title in _KNOWN.items() if habits[name]),
    ]


def told(signal: str, numbers: Json) -> str:
    """A signal's own sentence in the language of the page."""
    return sentences(signal, numbers)[ZH if language.current() == "zh" else EN]


def _powers(key: str, title: str, counted: Json) -> Picture:
    below = counted["below"]
    note = "" if counted["usual_below"] is None else _nine_in_ten(str(counted["usual_below"]))
    return Picture(key, title, tuple(f"< {each}" for each in below), tuple(below.values()), note)


def _amounts(kinds: list[Json]) -> Iterator[Picture]:
    for number, kind in enumerate(kinds):
        word, _, currency = (kind["kind"] or "–").rpartition(" ")
        title = gettext(N_("Amounts: %(kind)s")) % {"kind": f"{named(TYPES, word)} {currency}".strip()}
        currency = "" if kind["kind"] is None else currency
        below = kind["below_minor"]
        labels = tuple(f"< {_minor(int(each), currency)}" for each in below)
        usual = _nine_in_ten(_minor(kind["usual_below_minor"], currency))
        yield Picture(f"amounts-{number}", title, labels, tuple(below.values()), usual)


def _minor(minor: int, currency: str) -> str:
    """Of a kind that no recent payment names, the smallest units."""
    return amount(minor, currency) if currency else str(minor)


def _nine_in_ten(bound: str) -> str:
    return gettext(N_("Nine in ten are below %(bound)s.")) % {"bound": bound}


def _known(key: str, title: str, seen: list[Json]) -> Picture:
    labels = tuple(f"{each['name'] or '–'} · {each['last_on']}" for each in seen)
    return Picture(key, title, labels, tuple(each["payments"] for each in seen))
