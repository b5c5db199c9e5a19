"""The warning that a decision carries: which one, when its payer read it, and what they answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from authsvc.clock import from_millis, rfc3339, to_millis
from authsvc.errors import ChallengeClosed, InvalidRequest, WarningUnanswered

PAUSE = timedelta(seconds=5)
"""How long a strict warning stands before anybody can go on; stopping never waits."""


class Answer(StrEnum):
    """What a payer says to a warning. `read` is enough for one that is not strict; whoever doubts pays nothing."""

    READ = "read"
    OWN_DECISION = "own_decision"
    ASKED = "asked"
    UNSURE = "unsure"


STOPPING = frozenset({Answer.ASKED, Answer.UNSURE})
TO_THE_QUESTION = (Answer.OWN_DECISION, Answer.ASKED, Answer.UNSURE)


class WarningState(StrEnum):
    UNANSWERED = "unanswered"
    ACKNOWLEDGED = "acknowledged"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Warned:
    """`rule` is the one that warns, `text` the digest of the words that were shown, `order` the answers as they were drawn."""

    kind: str
    strict: bool
    rule: str
    shown_at: datetime | None = None
    text: str | None = None
    order: tuple[Answer, ...] = ()
    answer: Answer | None = None
    answered_at: datetime | None = None

    @classmethod
    def of(cls, stored: Mapping[str, object] | None) -> Warned | None:
        """As `to_stored` wrote it."""
        if stored is None:
            return None
        answer, shown, answered = (stored.get(name) for name in ("answer", "shown_at", "answered_at"))
        return cls(
            str(stored["kind"]),
            bool(stored["strict"]),
            str(stored["rule"]),
            None if shown is None else from_millis(int(str(shown))),
            None if stored.get("text") is None else str(stored["text"]),
            tuple(Answer(each) for each in _words(stored.get("order"))),
            None if answer is None else Answer(str(answer)),
            None if answered is None else from_millis(int(str(answered))),
        )

    @property
    def state(self) -> WarningState:
        if self.answer is None:
            return WarningState.UNANSWERED
        return WarningState.STOPPED if self.answer in STOPPING else WarningState.ACKNOWLEDGED

    @property
    def answer_from(self) -> datetime | None:
        """From when on the payer may go on; None where it was not shown yet."""
        pause = PAUSE if self.strict else timedelta()
        return None if self.shown_at is None else self.shown_at + pause

    def shown(self, text: str, order: tuple[Answer, ...], now: datetime) -> Warned:
        """The warning as it is shown first; afterwards it stays as it was."""
        if self.shown_at is not None:
            return self
        return replace(self, shown_at=now, text=text, order=order)

    def answered(self, answer: Answer, now: datetime) -> Warned:
        """The next value; whoever went on and doubts after all, in another tab or after a call, stops it still.

        Raises InvalidRequest for an answer that nobody asked for, WarningUnanswered before the pause is over, and
        ChallengeClosed once it was answered.
        """
        if self.answer is not None and (self.answer in STOPPING or answer not in STOPPING):
            raise ChallengeClosed("the warning was answered already")
        if self.answer_from is None:
            raise WarningUnanswered("the warning was not shown yet; begin it first")
        if answer is not (Answer.OWN_DECISION if self.strict else Answer.READ) and answer not in STOPPING:
            raise InvalidRequest(f"`{answer}` is no answer to this warning")
        if answer not in STOPPING and now < self.answer_from:
            left = (self.answer_from - now).total_seconds()
            raise WarningUnanswered("the payer has had no time to read the warning", retry_after=left)
        return replace(self, answer=answer, answered_at=now)

    def to_stored(self) -> Mapping[str, object]:
        shown = {} if self.shown_at is None else {"shown_at": to_millis(self.shown_at), "text": self.text}
        said = {} if self.answered_at is None else {"answered_at": to_millis(self.answered_at)}
        order = {"order": self.order} if self.order else {}
        answer = {} if self.answer is None else {"answer": self.answer.value}
        return {
            "kind": self.kind,
            "strict": self.strict,
            "rule": self.rule,
            **shown,
            **order,
            **answer,
            **said,
        }

    def to_json(self) -> Mapping[str, object]:
        """What the backend, the audit and the receipt say of it."""
        return {
            "kind": self.kind,
            "strict": self.strict,
            "rule": self.rule,
            "state": self.state.value,
            "text": self.text,
            "shown_at": None if self.shown_at is None else rfc3339(self.shown_at),
            "answer": self.answer,
            "answered_at": None if self.answered_at is None else rfc3339(self.answered_at),
        }


def _words(stored: object) -> tuple[str, ...]:
    return tuple(map(str, stored)) if isinstance(stored, list) else ()
