"""ISO 4217 in a policy document: a code that exists, with the digits that the standard gives it.

A document that states other digits would take every amount of that currency for a hundred times larger or smaller than it is.
"""

from __future__ import annotations

from authsvc.money import MINOR_DIGITS

_MEANT = {"RMB": "CNY", "CNH": "CNY", "NTD": "TWD", "STG": "GBP", "UKP": "GBP", "EUA": "EUR", "RUR": "RUB"}
"""Everyday names. Likeness of letters would suggest the hryvnia to whoever missed the euro by one."""


def fault_of(code: str, minor_digits: int) -> str | None:
    """What is wrong with a currency of a document; None where nothing is."""
    digits = MINOR_DIGITS.get(code)
    if digits is None:
        meant = f"; did you mean `{_MEANT[code]}`?" if code in _MEANT else ""
        return f"`{code}` is no currency of ISO 4217{meant}"
    if digits != minor_digits:
        return f"`{code}` has {digits} minor digits by ISO 4217, not {minor_digits}"
    return None
