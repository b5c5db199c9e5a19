"""The service with one control taken away: what each drill's control is in the code, or in the policy.

A drill that names a control must report a hole where that control is gone, or it would prove nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from authsvc import otp, text
from authsvc.audit.report import Report
from authsvc.biometric.words import Comparison
from authsvc.device import assertion, novelty
from authsvc.device.credential import Device, DeviceState
from authsvc.device.refusal import Refusal
from authsvc.device.verifier import DeviceVerifier
from authsvc.domain import account_acts as acts
from authsvc.domain import attempts
from authsvc.domain.challenge import Challenge
from authsvc.domain.decision import Decision, Status
from authsvc.domain.once import Answers
from authsvc.domain.receipt import ReceiptReader
from authsvc.domain.ticket import Ticket
from authsvc.errors import Unauthenticated
from authsvc.face import chain as face_chain
from authsvc.face import verifier as face_verifier
from authsvc.face.drawing import drawn
from authsvc.face.verifier import FaceVerifier
from authsvc.factor import Factor, Submission, Verification
from authsvc.lab.drill import load
from authsvc.lab.drill.people import milliseconds
from authsvc.operators import account as operator_account
from authsvc.operators import roster, sign_in
from authsvc.policy import loading
from authsvc.policy.currency import Conversion
from authsvc.policy.life import State, Version
from authsvc.services import admission, challenges, enrollments, receipts
from authsvc.stepup import closing, deciding, flow, proving
from authsvc.storage import decisions, sealing
from authsvc.storage.auditlog import StoredAuditLog
from authsvc.storage.bound import Binder
from authsvc.storage.credentials import CredentialStore
from authsvc.storage.factors import OtpStore
from authsvc.voice import verifier as voice_verifier
from authsvc.web import body, capture
from tests.device.test_weakened import accepted
from tests.device.test_weakened import weaken as without_refusal
from tests.lab.drill.here import Faces, SaidVoices
from tests.model.weakened import WEAKENED as GUARDS
from tests.model.weakened import _level_of

Weaken = Callable[[pytest.MonkeyPatch], None]
evaluate = deciding.Deciding._evaluate


def _yes(*args: object, **options: object) -> bool:
    return True


def _no(*args: object, **options: object) -> bool:
    return False


def _nothing(*args: object, **options: object) -> None:
    return None


def _patched(place: Any, name: str, instead: object) -> Weaken:  # Any: a module or a class.
    return lambda patch: patch.setattr(place, name, instead)


def _both(*weaken: Weaken) -> Weaken:
    def all_of_them(patch: pytest.MonkeyPatch) -> None:
        for each in weaken:
            each(patch)

    return all_of_them


def _policy(change: Callable[[str], str]) -> Weaken:
    """Every decision is made by the shipped policy with a change."""

    def weaken(patch: pytest.MonkeyPatch) -> None:
        source = change(loading.shipped_source().text.partition("[[tests]]")[0])
        weaker = loading.from_toml(source)

        def by_it(self: Any, policy: Any, inputs: Any, account: Any, now: Any) -> Any:
            return evaluate(self, weaker, inputs, account, now)

        patch.setattr(deciding.Deciding, "_evaluate", by_it)

    return weaken


def _without_rules(document: str) -> str:
    """All rules but one, which no payment of a drill meets."""
    before, *rules = document.split("[[rules]]")
    kept = next(each for each in rules if "verify-every-time" in each)
    return f"{before}[[rules]]{kept}"


def _assertion(*gone: Refusal) -> Weaken:
    """These checks of an assertion are gone, the library's own among them."""

    def weaken(patch: pytest.MonkeyPatch) -> None:
        for each in gone:
            without_refusal(patch, each)
        patch.setattr(assertion, "verify_authentication", accepted)

    return weaken


def _any_secret(patch: pytest.MonkeyPatch) -> None:
    """A phone is known by its id alone."""
    on_record = novelty._on_record

    def by_id(stated: Any, known: Device | None, macs: Any, now: Any) -> Any:
        return on_record(stated, known, macs if known is None else [known.secret_mac], now)

    patch.setattr(novelty, "_on_record", by_id)


def _any_device(patch: pytest.MonkeyPatch) -> None:
    """A removed device is one like any other."""
    on_record = novelty._on_record

    def active(stated: Any, known: Device | None, *more: Any) -> Any:
        return on_record(stated, None if known is None else replace(known, state=DeviceState.ACTIVE), *more)

    patch.setattr(novelty, "_on_record", active)
    patch.setattr(deciding, "_usable_states", lambda kind: tuple(DeviceState))


def _no_veto(tx: Any, account: Any, device_id: str, actor: str, now: Any) -> Any:
    return account, tx.accounts.find_with_device(account.subject, device_id)[1]


def _act_asks_a_code(patch: pytest.MonkeyPatch) -> None:
    """An act asks for whatever there is."""
    _level_of(lambda _, account, factors, now: frozenset({Factor.OTP}))(patch)


def _any_currency(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Conversion, "__call__", lambda self, amount_minor, currency: amount_minor)


def _tickets_stay_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ticket, "must_be_open", lambda self, now: self)
    patch.setattr(Ticket, "must_be_proven", _nothing)


def _face_anywhere(document: str) -> str:
    return document.replace('{ factors = ["face"], device_at_most = "probation" }', '["face"]', 1)


def _any_nonce(patch: pytest.MonkeyPatch) -> None:
    for place in (face_verifier, face_chain):
        patch.setattr(place, "check_nonce", _nothing)


def _any_key(patch: pytest.MonkeyPatch) -> None:
    """Whatever is shown for a device key is taken."""
    patch.setattr(DeviceVerifier, "_judged", lambda *args: {"refused": Refusal.NOT_ACTIVE.value})
    patch.setattr(
        DeviceVerifier, "settle", lambda self, tx, step, kept, now: Verification(self.factor, True, "taken")
    )


def _a_count_may_fall(patch: pytest.MonkeyPatch) -> None:
    use, counts = CredentialStore.use, count(1_000_000)

    def with_any_count(self: Any, subject: Any, name: str, shown: int, *more: Any, **options: Any) -> bool:
        return use(self, subject, name, next(counts), *more, **options)

    patch.setattr(CredentialStore, "use", with_any_count)


def _no_freeze(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(deciding, "_counts_as_frozen", lambda *args: False)


def _codes_ahead(patch: pytest.MonkeyPatch) -> None:
    matching = otp.matching_step

    def far(secret: bytes | None, code: str, now: Any) -> int | None:
        from datetime import timedelta

        found = (matching(secret, code, now + timedelta(seconds=30 * each)) for each in range(4))
        return next((each for each in found if each is not None), None)

    patch.setattr(otp, "matching_step", far)


def _reopened(patch: pytest.MonkeyPatch) -> None:
    """A challenge that was answered may be answered again."""
    patch.setattr(challenges.ChallengeService, "complete", _always_authenticated)


def _always_authenticated(self: Any, *args: Any) -> Any:
    return proving.Completed(True, 0)


def _guesses_are_free(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Challenge, "charged", lambda self: self)
    patch.setattr(proving, "charge_attempt", _yes)


def _recovery_code_stands(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OtpStore, "find_recovery_code", lambda self, subject, macs, now: macs[0])
    patch.setattr(OtpStore, "use_recovery_code", _yes)


def _standing(found: Callable[[Any, Any, Any], Any]) -> Weaken:
    return _patched(flow, "_standing", found)


def _makes_room(tx: Any, asked: Decision, now: Any) -> None:
    """Whatever stands under that transaction id is cancelled, and the new question is decided by itself."""
    standing = tx.decisions.find_open(asked.payment.subject.client, asked.payment.transaction_id)
    closing.end(tx, standing.become(Status.CANCELLED), "backend", "ask-again", now)


def _many_open(patch: pytest.MonkeyPatch) -> None:
    values = decisions._values
    patch.setattr(decisions, "_values", lambda decision: {**values(decision), "is_open": None})


def _any_payment(patch: pytest.MonkeyPatch) -> None:
    def claims(self: Any, key: Any, receipt: str, payment: Any) -> Any:
        return self._parts.receipts.read(receipt, key.client, self._clock.now())

    patch.setattr(receipts.ReceiptService, "_matching_claims", claims)


def _any_signature(patch: pytest.MonkeyPatch) -> None:
    import jwt

    def unverified(self: Any, token: str, client: str, now: Any) -> Any:
        return jwt.decode(token, options={"verify_signature": False})

    patch.setattr(ReceiptReader, "read", unverified)


def _any_body_once(patch: pytest.MonkeyPatch) -> None:
    again = Answers._again

    def whatever(self: Any, client: str, once: Any, fingerprint: bytes, sealed: bytes) -> Any:
        return again(self, client, replace(once, fingerprint=fingerprint), fingerprint, sealed)

    patch.setattr(Answers, "_again", whatever)


def _lenient_amounts(patch: pytest.MonkeyPatch) -> None:
    validated = body.validated

    def repaired(model: Any, raw: bytes) -> Any:
        return validated(model, re.sub(rb'"amount_minor": (null|true|-?[\d."]+)', b'"amount_minor": 1', raw))

    patch.setattr(body, "validated", repaired)


def _any_text(patch: pytest.MonkeyPatch) -> None:
    """Names are taken as they come."""
    patch.setattr(text, "fault_of_label", _nothing)
    patch.setattr(text, "fault_of_identifier", _nothing)


def _any_set(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Challenge, "switched", lambda self, wanted: replace(self, chosen=tuple(wanted)))


def _half_is_enough(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Challenge, "proven_by", lambda self, received: tuple(received) or None)
    patch.setattr(proving.Proving, "_is_proof", _yes)


def _any_token(patch: pytest.MonkeyPatch) -> None:
    for place in (admission, challenges):
        patch.setattr(place, "must_open", _nothing)


def _nobody_is_proved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(enrollments, "use_proof", _nothing)


def _any_act(patch: pytest.MonkeyPatch) -> None:
    """A receipt is a proof of whatever it is shown for."""
    patch.setattr(enrollments, "use_proof", _nothing)


def _no_macs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Binder, "_is_right", _yes)
    patch.setattr(Binder, "fault_of", _nothing)


def _unsealed(patch: pytest.MonkeyPatch) -> None:
    """What is stored is readable, wherever it stands."""
    patch.setattr(sealing.Sealer, "seal", lambda self, wrapped, place, plaintext: b"\x01" + plaintext)
    patch.setattr(sealing.Sealer, "open", lambda self, wrapped, place, sealed: sealed[1:])


def _nothing_is_found(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StoredAuditLog, "verify", lambda self, *args: Report(1, 1, 1, {}, ()))


def _names_lock_out(patch: pytest.MonkeyPatch) -> None:
    """Whoever fails under a name keeps its owner out."""
    failures: dict[str, int] = {}
    named, finish = sign_in.SignIn.name, sign_in.SignIn.finish_key

    def counted(self: Any, visit: str, typed: str, source: str) -> None:
        failures[typed] = failures.get(typed, 0) + 1
        named(self, visit, typed, source)

    def refused(self: Any, visit: str, credential: Any) -> str:
        if failures.get(self.named(visit), 0) > 5:
            raise Unauthenticated("locked out")
        return finish(self, visit, credential)

    patch.setattr(sign_in.SignIn, "name", counted)
    patch.setattr(sign_in.SignIn, "finish_key", refused)


def _strangers_are_told(patch: pytest.MonkeyPatch) -> None:
    begin = sign_in.SignIn.begin_key

    def only_known(self: Any, visit: str) -> Any:
        if self._ledger.read(lambda tx: sign_in._active(tx, self.named(visit))) is None:
            raise Unauthenticated("nobody of that name")
        return begin(self, visit)

    patch.setattr(sign_in.SignIn, "begin_key", only_known)


def _any_operator_name(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(roster, "_look_alike", _nothing)
    for place in (operator_account, roster, sign_in):
        if hasattr(place, "stated_name"):
            patch.setattr(place, "stated_name", lambda text: text)
        if hasattr(place, "name_key"):
            patch.setattr(place, "name_key", lambda name: name)


def _anybody_approves(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Version, "approved", lambda self, approval, digest: self.become(State.APPROVED, approval=approval)
    )


def _alike(patch: pytest.MonkeyPatch) -> None:
    """The worker finds everybody alike."""
    verify = Faces.verify

    def alike(self: Any, frames: Any, reference: Any, context: Any) -> Any:
        found = verify(self, frames, reference, context)
        return replace(found, score=0.99) if isinstance(found, Comparison) else found

    patch.setattr(Faces, "verify", alike)


def _every_voice_is_alive(patch: pytest.MonkeyPatch) -> None:
    """The worker says that a recording was heard before, or says other digits, and nobody listens."""
    kept = voice_verifier._kept

    def alive(*heard: Any) -> Any:
        return {**kept(*heard), "liveness": "bona_fide", "fingerprints": []}

    patch.setattr(voice_verifier, "_kept", alive)


def _an_attack_passes(patch: pytest.MonkeyPatch) -> None:
    """The worker says that it is an attack, and nobody listens."""
    patch.setattr(Faces, "attacked", True)
    patch.setattr(FaceVerifier, "_is_alive", _yes)


def _gestures_drawn_again(patch: pytest.MonkeyPatch) -> None:
    seeds = (bytes([number]) for number in count())
    patch.setattr(face_chain, "drawn", lambda seed, *more: drawn(next(seeds), *more))


def _no_deadline(patch: pytest.MonkeyPatch) -> None:
    """The server of this process has none; nothing is waited for but a moment."""
    patch.setattr(load, "CUT_OFF_S", 1.0)


def _any_picture(patch: pytest.MonkeyPatch) -> None:
    """The worker decodes whatever it is sent, and dies of it."""

    def dies(self: Any, frames: Any, context: Any, model: Any = None) -> Any:
        raise MemoryError

    patch.setattr(Faces, "observe", dies)


def _no_limit_on_parts(patch: pytest.MonkeyPatch) -> None:
    """Every part of a form is read, however many there are."""

    def parsed(self: Any, request: Any, raw: bytes) -> Submission:
        parts = raw.split(b"\r\n\r\n")
        nonce = parts[1].partition(b"\r\n")[0].decode()
        now = milliseconds()
        fields = {"nonce": nonce, "meta": {"taken_at_ms": [], "prompted_at_ms": now, "sent_at_ms": now}}
        return Submission(fields, {"frame": (b"x",) * (len(parts) - 3)})

    patch.setattr(capture.CaptureBody, "parse", parsed)
    patch.setattr(face_chain, "MOST_FRAMES", 10_000)
    _any_picture(patch)


def _no_depth(patch: pytest.MonkeyPatch) -> None:
    """A parser that goes as deep as it is led."""
    patch.setattr(body, "must_be_plain_json", json.loads)


def _reads_everything(patch: pytest.MonkeyPatch) -> None:
    """Whatever is announced is waited for, however much it is."""

    def read(request: Any, most: int) -> bytes:
        request.max_content_length = None
        raw: bytes = request.get_data(cache=False)
        return raw

    patch.setattr(body, "bounded", read)
    _no_deadline(patch)


RULES = _policy(_without_rules)
MACS = _no_macs
OPEN_RECEIPTS = _both(
    GUARDS["a receipt is consumed while the account is active"],
    GUARDS["what was released before a freeze stays void"],
)
PAYMENT = _any_payment
A_CODE_ALONE = _patched(deciding, "has_more_than_a_code", lambda *asked: False)

WEAKENED: Mapping[str, Weaken] = {
    "stolen-password": RULES,
    "stolen-session": _any_secret,
    "removed-phone": _both(_any_device, RULES),
    "removed-key": _both(_any_key, _any_device, _patched(proving.Proving, "_is_proof", _yes)),
    "planted-phone": _both(GUARDS["what is new waits"], GUARDS["what waits proves no act"]),
    "vetoed-phone": _both(_patched(acts, "revoke_device", _no_veto), RULES),
    "stranger-suspends": GUARDS["who has no secret suspends nobody"],
    "replayed-code": _patched(OtpStore, "use_step", _yes),
    "earlier-code": _patched(OtpStore, "use_step", _yes),
    "parallel-code": _patched(OtpStore, "use_step", _yes),
    "future-code": _codes_ahead,
    "relayed-code": _patched(otp, "_settle_issued", _yes),
    "issued-code-again": _reopened,
    "guessed-code": _guesses_are_free,
    "parallel-guesses": _guesses_are_free,
    "sim-swap": _both(_act_asks_a_code, A_CODE_ALONE),
    "sim-swap-recovery": _recovery_code_stands,
    "found-recovery-code": _patched(Ticket, "must_be_proven", _nothing),
    "used-recovery-code": _recovery_code_stands,
    "phishing-proxy": _assertion(Refusal.ORIGIN),
    "other-relying-party": _assertion(Refusal.RELYING_PARTY),
    "cloned-key": _a_count_may_fall,
    "clone-suspends": _patched(CredentialStore, "suspend", _yes),
    "replayed-assertion": _assertion(Refusal.CHALLENGE),
    "no-user-verification": _assertion(Refusal.USER_VERIFICATION),
    "strangers-key": _any_key,
    "forged-signature": _assertion(),
    "other-site-frame": _assertion(Refusal.CROSS_ORIGIN),
    "mule-at-night": RULES,
    "risk-left-out": RULES,
    "asked-again-milder": _both(_standing(_makes_room)),
    "changed-amount": PAYMENT,
    "changed-payee": PAYMENT,
    "other-persons-receipt": PAYMENT,
    "same-id-more-money": _standing(_makes_room),
    "replayed-decision": _any_body_once,
    "duplicated-payment": _many_open,
    "split-payments": _patched(flow, "_count_exemption", _nothing),
    "unheard-currency": _any_currency,
    "no-amount": _lenient_amounts,
    "misleading-payee": _any_text,
    "unicode-twin": _any_text,
    "downgraded-set": _any_set,
    "half-a-set": _half_is_enough,
    "other-challenge": _any_token,
    "replayed-receipt": GUARDS["a receipt is consumed once"],
    "parallel-receipt": GUARDS["a receipt is consumed once"],
    "receipt-after-freeze": OPEN_RECEIPTS,
    "receipt-after-unfreeze": GUARDS["what was released before a freeze stays void"],
    "receipt-of-removed-phone": GUARDS["a receipt of a removed device is void"],
    "receipt-after-erasure": _both(
        OPEN_RECEIPTS,
        GUARDS["a receipt of a removed device is void"],
        _patched(acts, "_stop_payments", _nothing),
    ),
    "cancelled-receipt": GUARDS["a receipt is consumed once"],
    "payment-receipt-as-proof": _nobody_is_proved,
    "forged-receipt": _any_signature,
    "session-strips-account": GUARDS["what was removed is owed"],
    "emptied-account": GUARDS["an account that was emptied is no new one"],
    "lock-lowers-act": _both(GUARDS["a lock does not lower an act"], A_CODE_ALONE),
    "outage-lowers-act": _both(GUARDS["an outage does not lower an act"], A_CODE_ALONE),
    "freeze-undone-by-erasure": GUARDS["a frozen account is not erased"],
    "erased-and-new": GUARDS["whoever was erased waits"],
    "paying-while-frozen": _no_freeze,
    "unfreeze-unproved": GUARDS["an unfreeze is proved"],
    "ticket-outlives-freeze": GUARDS["a freeze ends enrollments"],
    "ticket-twice": _tickets_stay_open,
    "enrollment-unproved": _nobody_is_proved,
    "owner-locked-out": _patched(attempts.Attempts, "hand_back", lambda self, *args: self),
    "face-from-new-phone": _policy(_face_anywhere),
    "photograph-as-face": _an_attack_passes,
    "clip-as-face": _an_attack_passes,
    "strangers-face": _alike,
    "capture-again": GUARDS["a capture counts once"],
    "capture-nearly-again": _patched(FaceVerifier, "_is_copy", _no),
    "recorded-voice": _both(_every_voice_is_alive, GUARDS["a capture counts once"]),
    "cut-up-voice": _every_voice_is_alive,
    "changed-voice": _every_voice_is_alive,
    "strangers-voice": _patched(SaidVoices, "alike", True),
    "nonce-of-another": _any_nonce,
    "gesture-grinding": _gestures_drawn_again,
    "operator-locked-out": _names_lock_out,
    "operator-found-out": _strangers_are_told,
    "operator-twin": _any_operator_name,
    "own-approval": _anybody_approves,
    "weaker-policy-unread": _anybody_approves,
    "weaker-policy-unproved": _anybody_approves,
    "slow-headers": _no_deadline,
    "slow-body": _no_deadline,
    "huge-body": _reads_everything,
    "nested-json": _no_depth,
    "picture-bomb": _any_picture,
    "thousand-parts": _no_limit_on_parts,
    "secrets-at-rest": _unsealed,
    "insider-lifts-freeze": MACS,
    "insider-trusts-phone": MACS,
    "insider-moves-app": _both(MACS, _unsealed),
    "insider-moves-key": MACS,
    "insider-moves-face": _unsealed,
    "insider-reopens-receipt": MACS,
    "insider-gives-attempts": MACS,
    "insider-widens-key": MACS,
    "insider-cuts-audit": _nothing_is_found,
    "insider-edits-audit": _nothing_is_found,
    "insider-hides-line": _nothing_is_found,
    "insider-writes-policy": MACS,
}
