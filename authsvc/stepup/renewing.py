"""A template of an earlier model is replaced by what the current one made of the capture that has just released a payment.

Only where the payment was proved as an enrollment would have to be: at the strongest level that the owner has enrolled, from a
phone that is trusted, with a face out of probation and well above its threshold. For whoever a model takes for somebody
else just barely would else stay that person for good. Standing, probation and what is owed are not touched.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from authsvc.audit.chain import entry
from authsvc.biometric.consent import covers_renewal
from authsvc.biometric.words import Liveness, Modality, Renewal
from authsvc.domain.account import Account
from authsvc.domain.decision import Decision
from authsvc.domain.store import Transaction
from authsvc.events import Event
from authsvc.factor import Factor, Json
from authsvc.subject import Novelty

CLEARLY = 0.25
"""Of the way from the threshold to full likeness: a score that lies so far above is no bare pass."""


def renewed(tx: Transaction, decision: Decision, account: Account, kept: Json, now: datetime) -> Decision:
    """The decision, whose proof says so where the template was replaced.

    `kept` is the face's evidence. The caller has judged the payment, and that it was proved at the strongest level.
    """
    if not _renew(tx, decision, account, kept, now):
        return decision
    proofs = (
        {**each, "renewed": True} if each["factor"] == Factor.FACE else each for each in decision.proofs
    )
    return replace(decision, proofs=tuple(proofs))


def _renew(tx: Transaction, decision: Decision, account: Account, kept: Json, now: datetime) -> bool:
    """By one conditional write, so once, and never what was withdrawn or enrolled since."""
    fields = kept.get("renewal")
    if not isinstance(fields, dict) or not _is_good(decision, account, now):
        return False
    subject, renewal = account.subject, Renewal.from_json(Modality.FACE, fields)
    if not covers_renewal(tx.templates.consents(subject), Modality.FACE):
        return False
    if not tx.templates.renew(subject, account.key(), str(kept["template"]), renewal, now):
        return False
    models = {"earlier": renewal.earlier, "model": renewal.template.model}
    tx.record(
        entry("payer", "biometric.renew", subject, "face", "renewed", now, decision=decision.id, **models)
    )
    tx.publish(Event("subject:face:renewed", subject, now, {"decision": decision.id}))
    return True


def _is_good(decision: Decision, account: Account, now: datetime) -> bool:
    if decision.novelty != Novelty.TRUSTED or Factor.FACE not in account.standing.strong(now):
        return False
    return any(_is_clear(proof) for proof in decision.proofs if proof["factor"] == Factor.FACE)


def _is_clear(proof: Json) -> bool:
    """A living face, well above the threshold that it was judged at."""
    score, threshold = float(str(proof["score"])), float(str(proof["threshold"]))
    is_alive = proof["liveness"] == Liveness.BONA_FIDE
    return is_alive and score >= threshold + CLEARLY * (1 - threshold)
