"""What is returned to callers of decisions, challenges, users and devices: the names of the HTTP contract, as JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil

from authsvc.biometric.words import PROVING, Consent, Modality
from authsvc.clock import rfc3339
from authsvc.device.credential import Device
from authsvc.device.models import looks_like
from authsvc.domain.account import Account
from authsvc.domain.decision import Decision, Habit, Status
from authsvc.domain.overview import Overview
from authsvc.domain.receipt import AuditPosition
from authsvc.domain.ticket import EnrollmentStep, Recovery, Ticket
from authsvc.domain.warned import Answer, Warned
from authsvc.factor import Factor, Json
from authsvc.habit.sentences import sentences
from authsvc.services.why import why, words
from authsvc.subject import Subject


def decision_view(decision: Decision, token: str | None, url: str | None) -> Json:
    """A decision for its backend. `token` and `url` open the challenge, while there is one to open."""
    return {
        "id": decision.id,
        "status": decision.status.value,
        "level": decision.level,
        "transaction_id": decision.payment.transaction_id,
        "user_id": decision.payment.subject.user,
        "device": {"novelty": decision.novelty},
        "reasons": list(decision.reasons),
        "signals": _signals(decision.habit),
        "gait": decision.gait,
        "warning": None if decision.warning is None else decision.warning.to_json(),
        "exemption": decision.exemption,
        "missing": list(decision.missing),
        "possible_from": None if decision.possible_from is None else rfc3339(decision.possible_from),
        "policy": {
            "id": decision.policy.id,
            "version": decision.policy.version,
            "digest": decision.policy.digest,
        },
        "binding": {"v": decision.binding.v, "digest": decision.binding.digest},
        "challenge": _challenge(decision, token, url),
        **decision.passed.returned(),
        "receipt": None if decision.receipt is None else decision.receipt.token,
        "created_at": rfc3339(decision.created_at),
        "expires_at": rfc3339(decision.expires_at),
    }


def _signals(habit: Habit | None) -> Json | None:
    """How unlike the payer's habits the payment is; whatever is not named is as usual."""
    if habit is None:
        return None
    return {
        "present": [
            {"signal": name, "numbers": numbers, "sentence": sentences(name, numbers)}
            for name, numbers in habit.present.items()
        ],
        "unknown": list(habit.unknown),
    }


def challenge_view(decision: Decision, received: Sequence[Factor], device: Device | None = None) -> Json:
    """A challenge for its payer: what is paid to whom, and the ways to prove it. No reasons: those are the backend's.

    `device` is the one that declining it suspended.
    """
    challenge = decision.challenge
    payment = decision.payment
    return {
        "id": None if challenge is None else challenge.id,
        "status": decision.status.value,
        "payment": {
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "payee": {"name": payment.payee.name},
            "type": payment.type,
        },
        "sets": [] if challenge is None else [list(choice) for choice in challenge.sets],
        "capture_at_least": [] if challenge is None else list(challenge.capture_at_least),
        "chosen": [] if challenge is None else list(challenge.chosen),
        "received": list(received),
        "attempts_remaining": 0 if challenge is None else challenge.attempts_remaining,
        "expires_at": rfc3339(decision.expires_at),
        "locale": decision.locale,
        "return_url": decision.passed.return_url,
        "merchant_name": decision.passed.merchant_name,
        "why": list(why(decision)),
        "warning": _warning(decision.warning),
        "declined": decision.declined,
        "device_suspended": decision.suspended,
        "suspended_device": None if device is None else device.name,
    }


def _warning(warning: Warned | None) -> Json | None:
    if warning is None:
        return None
    return {"kind": warning.kind, "strict": warning.strict, "state": warning.state.value}


def warning_view(decision: Decision, text: Json, now: datetime) -> Json:
    """A warning as its payer reads it; `answers` in the order in which they are shown, one alone where nothing is asked."""
    warning = decision.warning
    if warning is None or warning.answer_from is None:
        raise LookupError("a warning is shown once it was begun")
    return {
        "kind": warning.kind,
        "strict": warning.strict,
        "why": list(words(decision)),
        "text": text,
        "answers": [each.value for each in warning.order or (Answer.READ, Answer.ASKED)],
        "answer_from": rfc3339(warning.answer_from),
        "wait_seconds": max(0, ceil((warning.answer_from - now).total_seconds())),
    }


def _challenge(decision: Decision, token: str | None, url: str | None) -> Json | None:
    challenge = decision.challenge
    if challenge is None or decision.status is not Status.CHALLENGE_REQUIRED:
        return None
    return {
        "id": challenge.id,
        "token": token,
        "expires_at": rfc3339(decision.expires_at),
        "url": url,
        "sets": [list(choice) for choice in challenge.sets],
        "capture_at_least": list(challenge.capture_at_least),
        "attempts_remaining": challenge.attempts_remaining,
    }


def ticket_view(ticket: Ticket, token: str, url: str) -> Json:
    return {
        "id": ticket.id,
        "token": token,
        "url": url,
        "user_id": ticket.subject.user,
        "expires_at": rfc3339(ticket.expires_at),
    }


def enrollment_view(
    ticket: Ticket,
    offered: Sequence[EnrollmentStep],
    done: Sequence[EnrollmentStep],
    consented: Sequence[str],
) -> Json:
    return {
        "id": ticket.id,
        "user_id": ticket.subject.user,
        "locale": ticket.locale,
        "offered": [step.value for step in offered if step is not EnrollmentStep.GAIT],
        "received": [step.value for step in done if step is not EnrollmentStep.GAIT],
        "consented": [name for name in consented if name in PROVING],
        "gait": {
            "offered": EnrollmentStep.GAIT in offered,
            "consented": Modality.GAIT in consented,
            "received": EnrollmentStep.GAIT in done,
        },
        "recovery": None if ticket.recovery is None else _recovery(ticket.recovery),
        "return_url": ticket.return_url,
        "expires_at": rfc3339(ticket.expires_at),
    }


def _recovery(recovery: Recovery) -> Json:
    return {
        "proven": recovery.is_proven,
        "operators": len(recovery.operators),
        "attempts_remaining": recovery.attempts_remaining,
    }


def overview_ticket_view(overview: Overview, token: str, url: str) -> Json:
    return {"id": overview.id, "token": token, "url": url, "expires_at": rfc3339(overview.expires_at)}


def overview_view(
    overview: Overview,
    account: Account,
    devices: Sequence[Device],
    consents: Sequence[Consent],
    codes_wait_until: datetime | None,
    codes_left: int,
    decisions: Sequence[Decision],
    now: datetime,
) -> Json:
    """An account for the person it belongs to: removed devices and withdrawn consents included, and what is on probation."""
    counts_from = account.standing.counts_from
    waiting = {factor.value: counts_from[factor] for factor in sorted(account.standing.waiting(now))}
    if codes_wait_until is not None:
        waiting["recovery_codes"] = codes_wait_until
    return {
        "id": overview.id,
        "user": account_view(account, now),
        "devices": [device_view(device, now) for device in devices],
        "consents": consents_view(consents),
        "gait": _standing_walk(consents),
        "verifications": verification_views(decisions, devices, now),
        "recovery_codes_left": codes_left,
        "waiting": [{"factor": name, "counts_from": rfc3339(at)} for name, at in waiting.items()],
        "locale": overview.locale,
        "return_url": overview.return_url,
        "expires_at": rfc3339(overview.expires_at),
    }


def verification_views(decisions: Sequence[Decision], devices: Sequence[Device], now: datetime) -> list[Json]:
    """What a person was asked about, with the names of their devices."""
    names = {device.id: device.name for device in devices}
    return [_verification(each.as_of(now), names) for each in decisions]


def _verification(decision: Decision, names: Mapping[str, str]) -> Json:
    """One of a person's own payments or acts, its amount as far as the backend wants it shown afterwards."""
    payment, afterwards = decision.payment, decision.passed.amount_afterwards or "shown"
    return {
        "id": decision.id,
        "at": rfc3339(decision.created_at),
        "type": payment.type,
        "payee": {"name": payment.payee.name},
        "merchant_name": decision.passed.merchant_name,
        "amount": afterwards,
        "amount_minor": payment.amount_minor if afterwards == "shown" else None,
        "currency": None if afterwards == "hidden" else payment.currency,
        "device_name": names.get(decision.device_id or ""),
        "channel": decision.inputs.get("channel"),
        "status": decision.status.value,
        "factors": sorted({str(proof["factor"]) for proof in decision.proofs if proof.get("passed") is True}),
        "declined": decision.declined,
        "face_renewed": any(proof.get("renewed") is True for proof in decision.proofs),
    }


def disowned_view(decision: Decision) -> Json:
    stopped = decision.status in (Status.DECLINED_BY_USER, Status.CANCELLED)
    return {
        "decision": decision.id,
        "status": decision.status.value,
        "payment_stopped": stopped,
        "device_suspended": decision.suspended,
    }


def erased_view(subject: Subject, position: AuditPosition, receipt: str, now: datetime) -> Json:
    """What is left of an account: when it was erased, where the audit says so, and a signed receipt."""
    return {
        "user_id": subject.user,
        "erased_at": rfc3339(now),
        "audit": {"chain": position.chain, "seq": position.seq},
        "receipt": receipt,
    }


def erasure_view(decision: Decision | None, token: str | None, url: str | None) -> Json:
    """How far the proof for an erasure is, for the person; no reasons: those are the backend's."""
    if decision is None:
        return {"status": None, "challenge": None}
    return {"status": decision.status.value, "challenge": _challenge(decision, token, url)}


def device_view(device: Device, now: datetime) -> Json:
    return {
        "id": device.id,
        "name": device.name,
        "state": device.state.value,
        "probation": device.trusted_from > now,
        "created_at": rfc3339(device.created_at),
        "trusted_from": rfc3339(device.trusted_from),
        "seen_at": None if device.seen_at is None else rfc3339(device.seen_at),
        "synced": device.synced,
        "looks_like": None if device.aaguid is None else looks_like(device.aaguid),
        "attested": device.attested,
    }


def account_view(account: Account, now: datetime) -> Json:
    """A user for the backend: frozen or not, what is enrolled, what is locked and until when."""
    scopes = account.attempts.counters
    locks = {scope: rfc3339(end) for scope in scopes if (end := account.attempts.locked_until(scope, now))}
    return {
        "user_id": account.subject.user,
        "status": account.status.value,
        "factors": sorted(factor.value for factor in account.factors),
        "locked_until": locks,
        "verify_always": account.verify_always,
        "low_value": {"count": account.low_value.count, "sum_minor": account.low_value.sum},
    }


def consents_view(consents: Sequence[Consent]) -> list[Json]:
    """To the modalities that prove something."""
    return [consent_view(each) for each in consents if each.modality in PROVING]


def _standing_walk(consents: Sequence[Consent]) -> Json | None:
    given = [each for each in consents if each.modality is Modality.GAIT and each.withdrawn_at is None]
    latest = max(given, key=lambda each: each.given_at, default=None)
    if latest is None:
        return None
    return {"text_version": latest.text_version, "given_at": rfc3339(latest.given_at)}


def consent_view(consent: Consent) -> Json:
    return {
        "modality": consent.modality.value,
        "text_version": consent.text_version,
        "given_at": rfc3339(consent.given_at),
        "withdrawn_at": None if consent.withdrawn_at is None else rfc3339(consent.withdrawn_at),
    }
