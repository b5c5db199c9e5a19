"""Operators and policy documents for tests of a policy's life."""

from __future__ import annotations

import re

from authsvc.domain.operator import Operator, Role
from authsvc.policy import loading

ANN = Operator("op_ann", "Ann", frozenset({Role.ANALYST}))
BOB = Operator("op_bob", "Bob", frozenset({Role.APPROVER}))
CAI = Operator("op_cai", "Cai", frozenset({Role.APPROVER, Role.ANALYST}))
EVE = Operator("op_eve", "Eve", frozenset({Role.AUDITOR}))
SAM = Operator("op_sam", "Sam", frozenset({Role.SUPPORT}))

WEAKER = "weaker-than-active"


def shipped() -> str:
    """The document that an empty store is seeded with."""
    return loading.shipped_source().text


def numbered(number: int, text: str | None = None) -> str:
    """The same document under another version number."""
    changed, count = re.subn(
        r"(?m)^version = \d+$", f"version = {number}", shipped() if text is None else text
    )
    assert count == 1
    return changed


def stricter(number: int) -> str:
    """A document that asks a code for every payment, however small, and so has no promises of its own to break."""
    document = re.sub(r"(?ms)^\[\[tests\]\].*?(?=^\[|\Z)", "", numbered(number))
    rule = '[[rules]]\nid = "always-a-code"\nlevel = "otp"\nrisk_at_least = 0\n\n'
    return document.replace("[[rules]]", f"{rule}[[rules]]", 1)


def milder(number: int) -> str:
    """A document that lets more than the shipped one pass: one rule of it is gone."""
    document = re.sub(r"(?ms)^\[\[tests\]\].*?(?=^\[|\Z)", "", numbered(number))
    changed, count = re.subn(r'(?ms)^\[\[rules\]\]\nid = "medium-amount".*?(?=^\[)', "", document)
    assert count == 1
    return changed
