"""The numbers of a policy's text, each a field of its own: found by their lines, and written back into the very text.

The text stays what is saved, with its comments and its order; a field is nothing but a shorter way to one of its lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from authsvc.errors import InvalidRequest
from authsvc.money import MINOR_DIGITS
from authsvc.text import typed_plainly

_TABLE = re.compile(r"^\s*\[\[?([\w.]+)\]?\]")
_NAME = re.compile(r'^\s*id = "([^"]*)"')
_KEYS = (
    "amount_at_least|amount_at_most|risk_at_least|risk_at_most|amount_unusual_at_least|synced_amount_at_most"
)
_NUMBER = re.compile(rf"^(\s*)({_KEYS})( = )([0-9_]+)(?=\s*(?:#|$))")
_CURRENCY = re.compile(r'(?m)^reference_currency = "([A-Z]{3})"')
_TABLES = ("rules", "exemptions", "devices")


@dataclass(frozen=True, slots=True)
class Number:
    """One number: on which `line` (from 1), of which rule, under which key; `value` as people type it, in units of `unit`."""

    line: int
    owner: str
    key: str
    value: str
    unit: str = ""

    @property
    def field(self) -> str:
        return f"line-{self.line}"


def numbers(text: str) -> list[Number]:
    """The bounds of rules, exemptions and devices, in the order of the text."""
    digits, currency = _digits(text), _CURRENCY.search(text)
    unit = "" if currency is None else currency[1]
    return [
        Number(at, owner, key, _shown(int(stated), key, digits), unit if _is_amount(key) else "")
        for at, owner, key, stated in _found(text)
    ]


def written(text: str, fields: Mapping[str, str]) -> str:
    """The text with what was typed into its fields; raises InvalidRequest for what is no number.

    A field that still says what it said (`was-…`) changes nothing: without the script, lines of the text may have moved under it.
    """
    digits, lines = _digits(text), text.split("\n")
    for each in numbers(text):
        typed, was = fields.get(each.field), fields.get(f"was-{each.line}", each.value)
        if typed is None or typed_plainly(typed) == was:
            continue
        value = _stored(typed, each.key, digits)
        if value != _stored(each.value, each.key, digits) and was != each.value:
            raise InvalidRequest(f"line {each.line} was changed in the text and in its field")
        lines[each.line - 1] = _NUMBER.sub(rf"\g<1>\g<2>\g<3>{value:_}", lines[each.line - 1])
    return "\n".join(lines)


def _found(text: str) -> Iterator[tuple[int, str, str, str]]:
    table = owner = ""
    for at, line in enumerate(text.split("\n"), start=1):
        if (opens := _TABLE.match(line)) is not None:
            table = owner = opens[1].split(".")[0]
        elif (name := _NAME.match(line)) is not None:
            owner = name[1]
        elif table in _TABLES and (number := _NUMBER.match(line)) is not None:
            yield at, owner, number[2], number[4].replace("_", "")


def _digits(text: str) -> int:
    found = _CURRENCY.search(text)
    return MINOR_DIGITS.get(found[1], 0) if found is not None else 0


def _is_amount(key: str) -> bool:
    return "amount" in key and key != "amount_unusual_at_least"


def _shown(value: int, key: str, digits: int) -> str:
    return f"{Decimal(value).scaleb(-digits):f}" if _is_amount(key) else str(value)


def _stored(typed: str, key: str, digits: int) -> int:
    try:
        value = Decimal(typed_plainly(typed).replace(",", ""))
    except InvalidOperation:
        raise InvalidRequest(f"`{key}` is `{typed[:30]}`, and a number was expected") from None
    if not value.is_finite() or not 0 <= value < 10**15:
        raise InvalidRequest(f"`{key}` is `{typed[:30]}`, and a number of 0 or more was expected")
    return int(value.scaleb(digits)) if _is_amount(key) else int(value)
