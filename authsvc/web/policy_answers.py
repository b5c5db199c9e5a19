"""What operators get back about the policy, as types. See `answers`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from authsvc.policy.jobs import JobState
from authsvc.policy.level import Level
from authsvc.policy.life import Publishing, State
from authsvc.web.response_part import Count, Digest, OpenResponsePart, ResponsePart
from authsvc.web.words import AnyJson


class PolicyNamed(ResponsePart):
    """The document's own id and version; null until it is known to be a policy."""

    id: str | None
    version: int | None
    digest: Digest


class Approval(ResponsePart):
    """Who found the version fit, and which findings they accepted by name."""

    by: str
    at: datetime
    accepted: list[str]
    note: str


class VersionLine(ResponsePart):
    """One version of the policy, without its document. `author` is an operator's id."""

    id: str
    state: State
    policy: PolicyNamed
    author: str
    note: str
    created_at: datetime
    approval: Approval | None


class VersionLines(ResponsePart):
    """The newest first; `next` is the `after` of the next page, null at the end."""

    versions: list[VersionLine]
    next: str | None


class Analysis(ResponsePart):
    """What was found beside the policy `against`: a report, every cell that changes, and the errors by name."""

    against: Digest
    at: datetime
    by: str
    errors: list[str]
    report: AnyJson
    difference: AnyJson


class Version(VersionLine):
    """A version with its document as it was written, and its analysis."""

    document: str
    form: Literal["toml", "json"]
    analysis: Analysis | None


class Publication(ResponsePart):
    """From `at` on this version decided. `etag` is what `If-Match` names; `back_to` is what a rollback restores."""

    number: Count
    etag: str
    version: str
    digest: Digest
    how: Publishing
    by: str
    at: datetime
    back_to: int | None
    note: str


class Active(ResponsePart):
    """What decides now."""

    publication: Publication
    version: Version


class History(ResponsePart):
    """The publication log, the newest first; `next` is the `before` of the next page, null at the end."""

    publications: list[Publication]
    next: int | None


class Explanation(OpenResponsePart):
    """What one payment would be asked, by which rules, which nearly applied, and the smallest change that changes it."""

    level: Level
    asked: Level
    exemption: str | None
    fired: list[str]


class ShadowRun(ResponsePart):
    """A candidate beside the active policy, whose answers are counted and never used."""

    id: str
    version: str
    digest: Digest
    against: Digest
    by: str
    started_at: datetime
    stopped_at: datetime | None


class Move(ResponsePart):
    """How often the active policy answered `before` where the candidate says `after`, with sampled decisions."""

    before: str
    after: str
    decisions: Count
    sampled: list[str]


class ShadowComparison(ShadowRun):
    """`failed` counts payments that the candidate gave no answer for: anything but 0 is a finding."""

    compared: Count
    different: Count
    failed: Count
    not_compared: Count
    moves: list[Move]


class Backtest(ResponsePart):
    """A replay of recorded decisions as a job; `share` of it is done, `report` comes with its end."""

    id: str
    version: str
    state: JobState
    by: str
    created_at: datetime
    since: datetime
    until: datetime
    total: Count | None
    read: Count
    share: float | None
    report: AnyJson | None
    error: str | None
    finished_at: datetime | None


class Backtests(ResponsePart):
    """A version's backtests, the newest first."""

    backtests: list[Backtest]
