"""Consent: to each modality by itself, in a wording that has a version, before the first frame or sound."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from authsvc.audit.chain import entry
from authsvc.biometric.consent import ACCEPTED, BEFORE, IN_FORCE
from authsvc.biometric.words import PROVING, Consent, Modality
from authsvc.clock import rfc3339
from authsvc.domain.account import Account
from authsvc.domain.account_acts import withdraw_biometric
from authsvc.domain.ids import new_id
from authsvc.domain.store import Ledger, Transaction
from authsvc.domain.ticket import EnrollmentStep, Ticket
from authsvc.enrolling.staging import Staging, strings_of
from authsvc.enrolling.steps.look_alikes import WORDING
from authsvc.enrolling.steps.step import Step, Taken, When
from authsvc.errors import InvalidRequest
from authsvc.factor import Begun, Json, Submission


class ConsentStep:
    """Asks for the modalities that can be enrolled here; `captures` are the steps that need it.

    A guardian is named and not kept: the audit says that one agreed, which must outlive the account, and names nobody.
    """

    step = EnrollmentStep.CONSENT
    once = False

    def __init__(self, captures: Sequence[Step], ledger: Ledger, *, look_alikes: bool = False) -> None:
        """`look_alikes` asks, beside and apart from the face, whether it may be compared with those of other accounts."""
        self._captures = tuple(captures)
        self._ledger = ledger
        self._look_alikes = look_alikes

    def is_offered(self) -> bool:
        return True

    def begin(self, ticket: Ticket, now: datetime) -> Begun:
        offered = [capture.step.value for capture in self._captures if capture.is_offered()]
        apart = {"look_alikes": WORDING} if self._look_alikes and Modality.FACE in offered else {}
        standing = self._ledger.read(lambda tx: _standing(tx, ticket))
        shown = {
            "text_version": IN_FORCE,
            "modalities": [name for name in offered if name in PROVING],
            "agreed": [_shown(each) for each in standing if each.modality in PROVING],
            "gait": _asked_of_a_walk(standing) if Modality.GAIT in offered else None,
        }
        return Begun({**shown, **apart}, {})

    def take(self, ticket: Ticket, begun: Json, submission: Submission, now: datetime) -> Taken:
        named = submission.fields.get("modalities")
        refused = submission.fields.get("refused") or ()
        # Whoever says nothing has read what allows the least.
        version = submission.fields.get("text_version") or BEFORE
        for field, said in (("modalities", named), ("refused", refused)):
            if not isinstance(said, list | tuple) or not all(name in list(Modality) for name in said):
                raise InvalidRequest(f"`{field}` must list some of `face`, `voice` and `gait`, or none")
        if set(strings_of(named)) & set(strings_of(refused)):
            raise InvalidRequest("`refused` must name nothing that `modalities` agrees to")
        if version not in ACCEPTED:
            raise InvalidRequest(
                f"`text_version` must be `{IN_FORCE}`, the text that is in force, or `{BEFORE}`"
            )
        is_child = submission.fields.get("under_14") is True
        if is_child and not str(submission.fields.get("guardian") or "").strip():
            raise InvalidRequest("a person under 14 needs the consent of a `guardian`")
        by = "guardian" if is_child else "person"
        agreed = (
            self._look_alikes and "face" in strings_of(named) and submission.fields.get("look_alikes") is True
        )
        return Taken(
            {
                "modalities": sorted(set(strings_of(named))),
                "refused": sorted(set(strings_of(refused))),
                "text_version": version,
                "by": by,
                "look_alikes": agreed,
            }
        )

    def apply(self, tx: Transaction, ticket: Ticket, account: Account, staged: Json, when: When) -> Account:
        by = str(staged["by"])
        given = [(name, str(staged["text_version"])) for name in strings_of(staged["modalities"])]
        for name, version in (*given, *([("face", WORDING)] if staged.get("look_alikes") else ())):
            tx.templates.give_consent(new_id("cst"), ticket.subject, Modality(name), version, when.now)
            tx.record(
                entry(
                    "person", "consent.give", ticket.subject, name, "given", when.now, wording=version, by=by
                )
            )
        return self._withdrawn(tx, ticket, account, strings_of(staged.get("refused", ())), when)

    def _withdrawn(
        self, tx: Transaction, ticket: Ticket, account: Account, refused: Sequence[str], when: When
    ) -> Account:
        """A no takes back what was agreed to earlier, and destroys what was kept by it."""
        earlier = {each.modality for each in _standing(tx, ticket)}
        for modality in sorted(earlier & {Modality(name) for name in refused}):
            account = withdraw_biometric(tx, account, modality, "person", when.now)
        return account


def _standing(tx: Transaction, ticket: Ticket) -> list[Consent]:
    """What the person agreed to before this enrollment and has not taken back, the latest of each kind."""
    given = tx.templates.consents(ticket.subject)
    latest = {
        each.modality: each for each in given if each.withdrawn_at is None and each.text_version != WORDING
    }
    return list(latest.values())


def _asked_of_a_walk(standing: Sequence[Consent]) -> Json:
    """Asked apart: it is a pilot, and proves nothing."""
    given = next((rfc3339(each.given_at) for each in standing if each.modality is Modality.GAIT), None)
    return {"text_version": IN_FORCE, "agreed_at": given}


def _shown(consent: Consent) -> Json:
    return {
        "modality": consent.modality.value,
        "text_version": consent.text_version,
        "given_at": rfc3339(consent.given_at),
    }


def consented(staging: Staging, ticket: Ticket) -> tuple[str, ...]:
    """The modalities that the person has agreed to in this enrollment."""
    consent = staging.staged(ticket, EnrollmentStep.CONSENT)
    return () if consent is None else strings_of(consent["modalities"])


def agreed_to_look_alikes(staging: Staging, ticket: Ticket) -> bool:
    consent = staging.staged(ticket, EnrollmentStep.CONSENT)
    return consent is not None and consent.get("look_alikes") is True


def must_have_consent(staging: Staging, ticket: Ticket, modality: Modality) -> None:
    if modality.value not in consented(staging, ticket):
        raise InvalidRequest(f"consent to `{modality}` comes before the first capture")
