"""One-time codes: six digits from the payer's authenticator app, or eight issued here for one payment.

The app's code is RFC 6238 (SHA-1, 30 s, 6 digits). Step T or T−1 is accepted, never T+1, and a step once used ends all
before it. An issued code is the truncated HMAC (RFC 4226 §5.3) of the time step and the payment's binding under a sealed
secret: another amount or payee gives another code. Only this file has heard of pyotp.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import math
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import quote

import pyotp

from authsvc.biometric.words import Gates
from authsvc.errors import InvalidRequest
from authsvc.factor import Begun, Factor, Json, Reader, Received, Step, Submission, Verification
from authsvc.money import written
from authsvc.payment import Binding, Payment
from authsvc.subject import Subject
from authsvc.text import quoted, typed

PERIOD = 30
SECRET_BYTES = 20  # 160 bits, as RFC 4226 §4 R6 recommends.
APP = "app"
ISSUED = "issued"

ISSUED_DIGITS = 8
ISSUED_LIFE = timedelta(seconds=120)
ISSUED_TRIES = 3
ISSUED_TIMES = 5
"""How many codes one payment may have: a message that was lost is sent again, a flood is not."""
ISSUED_LABEL = b"authsvc-issued-code-v1\x00"

RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 80 bits; requirement 11 asks for 64.

LONGEST_TYPED = 64
LONGEST_SIGNATURE = 20
_BRACKETS = dict.fromkeys(map(ord, "【】[]〖〗"))
_CODE = re.compile(r"[0-9]{6}(?:[0-9]{2})?\Z")
_RECOVERY_CODE = re.compile(r"[A-Z2-7]{16}\Z")
_LOOKS_LIKE = {"0": "O", "1": "IL", "8": "B"}
"""What people read out of base32 that is not in it."""
MOST_READINGS = 32
"""Of one typed text: five times I or L. Of 10 000 recovery codes three have more of them."""
_BETWEEN = frozenset({"Zs", "Pd"})
"""Spaces and hyphens, those of Chinese input methods included."""


class Codes(Protocol):
    """The part of the store that one-time codes need; each `use_…` and `try_…` is one conditional write."""

    def secret(self, subject: Subject, purpose: str) -> bytes | None: ...

    def use_step(self, subject: Subject, purpose: str, step: int) -> bool: ...

    def issued_step(self, decision_id: str, now: datetime) -> int | None: ...

    def try_issued(self, decision_id: str, step: int, now: datetime) -> bool: ...

    def use_issued(self, decision_id: str, step: int, now: datetime) -> bool: ...


class HasCodes(Protocol):
    @property
    def codes(self) -> Codes: ...


class OtpVerifier:
    """The factor `otp`: both kinds of code, told apart by their length."""

    factor = Factor.OTP

    def __init__(self, read: Reader[HasCodes]) -> None:
        self._read = read

    def is_offered(self, liveness: Gates = None) -> bool:
        return True

    def begin(self, step: Step, now: datetime) -> Begun:
        issued = self._read(lambda tx: tx.codes.issued_step(step.decision_id, now))
        digits = [6] if issued is None else [6, ISSUED_DIGITS]
        return Begun(sent={"digits": digits, "period": PERIOD}, kept={})

    def receive(self, step: Step, kept: Json, submission: Submission, now: datetime) -> Received:
        code = strict_code(submission.fields.get("code"))
        if len(code) == ISSUED_DIGITS:
            return Received({"kind": ISSUED, "step": self._matching_issue(step, code, now)})
        secret = self._read(lambda tx: tx.codes.secret(step.subject, APP))
        return Received({"kind": APP, "step": matching_step(secret, code, now)})

    def settle(self, tx: HasCodes, step: Step, kept: Json, now: datetime) -> Verification:
        matched = kept["step"]
        if kept["kind"] == ISSUED:
            passed = _settle_issued(tx.codes, step, kept, now)
        else:
            passed = isinstance(matched, int) and tx.codes.use_step(step.subject, APP, matched)
        reason = "code accepted" if passed else "wrong, late or used code"
        # Only the issued code is derived from the payment; the app's is not, and never says so.
        evidence = {"kind": kept["kind"], "bound_to_payment": kept["kind"] == ISSUED}
        return Verification(Factor.OTP, passed, reason, evidence)

    def _matching_issue(self, step: Step, code: str, now: datetime) -> int | None:
        issued_at, secret = self._read(
            lambda tx: (
                tx.codes.issued_step(step.decision_id, now),
                tx.codes.secret(step.subject, ISSUED),
            )
        )
        if issued_at is None or secret is None:
            return None
        expected = issued_code(secret, issued_at, step.binding)
        return issued_at if hmac.compare_digest(code, expected) else None


def _settle_issued(codes: Codes, step: Step, kept: Json, now: datetime) -> bool:
    current = codes.issued_step(step.decision_id, now)
    # One of the three tries is charged whether the code is right or wrong.
    if current is None or not codes.try_issued(step.decision_id, current, now):
        return False
    return kept["step"] == current and codes.use_issued(step.decision_id, current, now)


@dataclass(frozen=True, slots=True)
class AppSecret:
    """An authenticator secret (20 bytes) as a person is shown it: as URI for a QR code and as text to type."""

    raw: bytes
    account: str
    issuer: str

    @classmethod
    def new(cls, account: str, issuer: str) -> AppSecret:
        return cls(new_secret(), account, issuer)

    @property
    def text(self) -> str:
        return _base32(self.raw)

    @property
    def uri(self) -> str:
        """The `otpauth` URI that authenticator apps read.

        A colon parts issuer and account, so neither may have one, and a slash would part the path.
        """
        issuer, account = (quote(name.replace(":", "-"), safe="") for name in (self.issuer, self.account))
        return f"otpauth://totp/{issuer}:{account}?secret={self.text}&issuer={issuer}"

    def qr_svg(self) -> str:
        """The URI as a QR code: inline SVG, so that it passes a strict content security policy."""
        import segno  # Only enrollment draws, so the decision path does not load it.

        # Only with a unit does it say its own measures, without which a page that shrinks it cuts it off.
        return segno.make(self.uri, error="m").svg_inline(scale=5, border=4, unit="px")


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def strict_code(text: object) -> str:
    """Six or eight digits in ASCII, whichever way they were typed; raises InvalidRequest for anything else.

    Input methods type full-width digits and those of other scripts: a decimal digit is read as what it is.
    """
    if isinstance(text, str) and len(text) <= LONGEST_TYPED:
        compact = "".join(_digit(each) for each in _without_gaps(text))
        if _CODE.match(compact):
            return compact
    raise InvalidRequest("`code` must be six or eight digits")


def time_step(now: datetime) -> int:
    return int(now.timestamp()) // PERIOD


def matching_step(secret: bytes | None, code: str, now: datetime) -> int | None:
    """The time step, T or T−1, whose code this is; every candidate is computed, with no early exit.

    Without a secret the same work is done on zeros, so that nobody learns by the clock who has one.
    """
    generator = pyotp.TOTP(_base32(secret if secret is not None else bytes(SECRET_BYTES)))
    current = time_step(now)
    matched: int | None = None
    for candidate in (current - 1, current):
        if hmac.compare_digest(generator.generate_otp(candidate), code):
            matched = candidate
    return matched if secret is not None else None


def issued_code(secret: bytes, step: int, binding: Binding) -> str:
    """Eight digits for one payment: HMAC-SHA-256 over label, time step and binding, truncated as RFC 4226 §5.3."""
    mac = hmac.digest(secret, ISSUED_LABEL + step.to_bytes(8, "big") + binding.raw(), "sha256")
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**ISSUED_DIGITS:0{ISSUED_DIGITS}d}"


def issued_text(payment: Payment, code: str, locale: str, sender: str) -> str:
    """The sentence to send, in Chinese or English: who sends it, amount and code first, the payee last.

    So no name of a payee can reshape what stands before it.
    """
    zh = _is_chinese(locale)
    amount = written(payment.amount_minor, payment.currency, "zh_CN" if zh else "en")
    payee = quoted(payment.payee.name)
    if zh:
        return (
            f"{_signature(sender)}您正在付款 {amount}，验证码 {code}，2 分钟内有效。"
            f"请勿泄露给他人；如非本人操作，请忽略本短信并联系客服。收款方：{payee}"
        )
    return (
        f"{_signature(sender)} Payment of {amount}: your code is {code}, valid for 2 minutes. "
        f"If this is not you, tell it to nobody. Payee: {payee}"
    )


def recovery_text(code: str, locale: str, sender: str) -> str:
    """The sentence to send to somebody who has lost the phone and sets up another one."""
    if _is_chinese(locale):
        return (
            f"{_signature(sender)}您正在更换手机并恢复账户，验证码 {code}，2 分钟内有效。"
            "请勿泄露给他人；如非本人操作，请立即冻结账户。"
        )
    return (
        f"{_signature(sender)} Code {code} confirms that you recover your account on a new phone. It is valid for 2 minutes. "
        "If this is not you, tell it to nobody and freeze your account."
    )


def _is_chinese(locale: str) -> bool:
    return locale.lower().startswith("zh")


def _signature(sender: str) -> str:
    """Who sends the message, as carriers in China ask for it; a name cannot close its brackets."""
    return f"【{sender.translate(_BRACKETS)[:LONGEST_SIGNATURE]}】"


def new_recovery_codes() -> tuple[str, ...]:
    """Ten codes of 80 bits, in four groups of four letters and digits; each is good once."""
    return tuple(_grouped(_base32(secrets.token_bytes(RECOVERY_BYTES))) for _ in range(RECOVERY_CODES))


def recovery_digest(code: str) -> bytes:
    """What is MACed and stored of a recovery code, with or without its hyphens."""
    return hashlib.sha256(code.replace("-", "").encode()).digest()


def read_recovery_code(text: object) -> tuple[str, ...]:
    """The codes that a person can have meant; raises InvalidRequest for what is none, so that it costs no attempt."""
    readings = base32_readings(text) if isinstance(text, str) else ("",)
    if not _RECOVERY_CODE.match(readings[0]):
        raise InvalidRequest(
            "`code` must be one of the recovery codes, sixteen letters and digits from 2 to 7"
        )
    return readings


def base32_readings(text: str) -> tuple[str, ...]:
    """What typed base32 can have been: several texts where I or L was read as 1, without hyphens and spaces.

    One of them at most is on record, and to try them all is no more than to guess so often.
    """
    if len(text) > LONGEST_TYPED:
        return (text,)
    letters = _without_gaps(unicodedata.normalize("NFKC", text)).upper()
    choices = [_LOOKS_LIKE.get(each, each) for each in letters]
    if math.prod(map(len, choices)) > MOST_READINGS:
        return (letters,)
    return tuple("".join(reading) for reading in itertools.product(*choices))


def _without_gaps(text: str) -> str:
    """Also without what nobody sees: messages put it around a number, and whoever pastes the number cannot take it out."""
    return "".join(each for each in typed(text) if unicodedata.category(each) not in _BETWEEN)


def _digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


def _grouped(text: str) -> str:
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")
