"""What operators send about the policy, as types that validate it and publish it."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from authsvc.policy.profiles import Profile
from authsvc.policy_life.steps import Draft
from authsvc.web.words import Cursor, Json, Limit, OwnId, Sentence, Wanted, matching

LARGEST_DOCUMENT = 1024 * 1024
"""Bytes: some thousands of rules with a sentence on each."""


EVERYTHING = 3650
"""Days: longer than anything is kept."""


def _printable(text: str) -> str:
    if any(character < " " and character not in "\t\r\n" for character in text):
        raise ValueError("must not contain control characters")
    return text


DocumentText = Annotated[
    str, StringConstraints(min_length=1, max_length=LARGEST_DOCUMENT), AfterValidator(_printable)
]
FindingName = Annotated[
    str,
    matching(
        r"^[a-z0-9-]+(:[A-Za-z0-9_.-]+)?$", "must be the name of a finding, as the analysis gave it", 1, 200
    ),
]
ProfileName = Annotated[Profile, Field(strict=False)]


class DraftWanted(Wanted):
    """A document: TOML or JSON text, which is kept as it was written, or the same as a JSON object."""

    document: DocumentText | Json
    form: Literal["toml", "json"] = "toml"
    note: Sentence | None = None

    def command(self) -> Draft:
        if isinstance(self.document, str):
            return Draft(self.document, self.form, self.note or "")
        return Draft(json.dumps(self.document, ensure_ascii=False, indent=2), "json", self.note or "")


class AnalysisWanted(Wanted):
    """`profile` is a rule book to check as well."""

    profile: ProfileName | None = None


class SimulationWanted(Wanted):
    """One payment, as the input snapshot that decisions record; what is left out is not known."""

    payment: Json


class BacktestWanted(Wanted):
    """How many days back; by default everything that is recorded."""

    days: Annotated[int, Field(ge=1, le=EVERYTHING)] | None = None


class ApprovalWanted(Wanted):
    """`accept` names the findings that may stand. Some can never be accepted."""

    accept: Annotated[tuple[FindingName, ...], Field(max_length=100)] | None = None
    note: Sentence | None = None


class Noted(Wanted):
    """Why, for the publication log."""

    note: Sentence | None = None


class VersionsAfter(Wanted):
    """`after` is the id of the last version of the page before."""

    after: OwnId | None = None
    limit: Limit = 50


class PublicationsBefore(Wanted):
    """`before` is the lowest number of the page before."""

    before: Cursor | None = None
    limit: Limit = 50
