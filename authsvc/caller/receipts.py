"""Is this receipt good for *my* payment? Answered offline, with the service's public keys, for the payment backend."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from authsvc.errors import ReceiptMismatch
from authsvc.payment import Binding, Payment

TYPE = "stepup-receipt+jwt"
ALGORITHM = "ES256"
LONGEST_LIFE = timedelta(minutes=5)
"""RTS Art. 4(3)(d) and requirement 14: a receipt that claims to live longer is not believed."""

CLOCK_SKEW = timedelta(seconds=60)
"""How far the service's clock may be ahead of ours. A receipt's end is never stretched."""

LARGEST_RECEIPT = 8192
RELEASING = frozenset({"approved", "exempted", "authenticated"})
_REQUIRED = ("iss", "aud", "sub", "jti", "iat", "exp", "decision", "status", "binding", "acr")

Json = Mapping[str, Any]  # Any: claims, each of which is checked where it is read.


class ReceiptRefused(ReceiptMismatch):
    """The payment must not go ahead on this receipt. `reason` is a stable word, the text says more."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail, reason=reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a good receipt says. `acr` is the level that was proven, `amr` and `categories` by what (RFC 8176, RTS Art. 4).

    `dynamic_linked` says that the payer authenticated this very payment; `warnings` name frightening settings of the
    service that were tolerated.
    """

    jti: str
    decision_id: str
    user_id: str
    status: str
    acr: str
    amr: tuple[str, ...]
    categories: tuple[str, ...]
    dynamic_linked: bool
    exemption: str | None
    issued_at: datetime
    expires_at: datetime
    warnings: tuple[str, ...]
    claims: Json


class Keys(Protocol):
    """Where public keys come from."""

    def find(self, kid: str) -> EllipticCurvePublicKey | None: ...


class KeySet:
    """The P-256 keys of one JWK set, by `kid`; entries of other kinds are left out."""

    def __init__(self, jwks: Json) -> None:
        self._keys = {kid: key for kid, key in map(_read_key, jwks.get("keys", ())) if key is not None}

    def find(self, kid: str) -> EllipticCurvePublicKey | None:
        return self._keys.get(kid)


class FetchedKeys:
    """The service's key set, fetched when first needed, when it has grown old, and when a receipt names an unknown key.

    Unknown names cause one fetch in `at_most_every` seconds, so that made-up receipts cannot turn into a flood of them.
    """

    def __init__(
        self,
        fetch: Callable[[], Json],
        *,
        fresh_for: float = 600.0,
        at_most_every: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._fresh_for = fresh_for
        self._at_most_every = at_most_every
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._keys = KeySet({})
        self._fetched_at: float | None = None

    def find(self, kid: str) -> EllipticCurvePublicKey | None:
        """The key of that name; raises what `fetch` raises where it has to be asked for."""
        with self._lock:
            if self._older_than(self._fresh_for):
                self._refresh()
            if self._keys.find(kid) is None and self._older_than(self._at_most_every):
                self._refresh()
            return self._keys.find(kid)

    def _older_than(self, seconds: float) -> bool:
        return self._fetched_at is None or self._monotonic() - self._fetched_at >= seconds

    def _refresh(self) -> None:
        self._keys = KeySet(self._fetch())
        self._fetched_at = self._monotonic()


def verify_receipt(
    receipt: str,
    *,
    jwks: Json | Keys,
    audience: str,
    issuer: str,
    payment: Payment,
    now: datetime,
    tolerated_warnings: Collection[str] = (),
) -> Receipt:
    """The receipt, if it is good at `now` for `payment`: the backend's own record, never what the payer's phone sent.

    `audience` is this backend's client name, `issuer` the service's. Verifying uses nothing up: consume it before the money
    moves. A receipt from a service under a frightening setting is refused unless the setting is among `tolerated_warnings`.
    Raises ReceiptRefused, and what `jwks` raises when keys cannot be had.
    """
    keys = KeySet(jwks) if isinstance(jwks, Mapping) else jwks
    # 1. It is a receipt, and not another token of the same service (RFC 8725 section 3.11).
    kid = _named_key(receipt)
    # 2. The service signed it, for this backend.
    claims = _signed_claims(receipt, keys.find(kid), audience, issuer)
    # 3. It is good now.
    issued_at, expires_at = _lifetime(claims, now)
    # 4. It is for this payment, field by field, and for this payer.
    _must_bind(claims, payment)
    # 5. It lets the payment go, and nothing frightening stands behind it.
    if claims["status"] not in RELEASING:
        raise ReceiptRefused("not-released", f"a receipt for status `{claims['status']}` releases nothing")
    warnings = _words(claims.get("warnings", ()))
    if untolerated := set(warnings) - set(tolerated_warnings):
        raise ReceiptRefused("warnings", f"the service runs with {', '.join(sorted(untolerated))}")
    return Receipt(
        jti=str(claims["jti"]),
        decision_id=str(claims["decision"]),
        user_id=str(claims["sub"]),
        status=str(claims["status"]),
        acr=str(claims["acr"]),
        amr=_words(claims.get("amr", ())),
        categories=_words(claims.get("categories", ())),
        dynamic_linked=claims.get("dynamic_linked") is True,
        exemption=claims.get("exemption"),
        issued_at=issued_at,
        expires_at=expires_at,
        warnings=warnings,
        claims=claims,
    )


def _named_key(receipt: str) -> str:
    # What was never a receipt, an absent one above all, comes from outside as a bad one does.
    if not isinstance(receipt, str):
        raise ReceiptRefused("malformed", f"a receipt is text, and not `{type(receipt).__name__}`")
    if len(receipt) > LARGEST_RECEIPT:
        raise ReceiptRefused("malformed", f"the receipt is longer than {LARGEST_RECEIPT} characters")
    try:
        header = jwt.get_unverified_header(receipt)
    except jwt.PyJWTError:
        raise ReceiptRefused("malformed", "the receipt is not a JWS") from None
    kid = header.get("kid")
    if header.get("typ") != TYPE or header.get("alg") != ALGORITHM or not isinstance(kid, str):
        raise ReceiptRefused("malformed", f"the token is not an {ALGORITHM} `{TYPE}`")
    return kid


def _signed_claims(
    receipt: str, key: EllipticCurvePublicKey | None, expected_audience: str, expected_issuer: str
) -> Json:
    if key is None:
        raise ReceiptRefused(
            "unknown-key", "the receipt is signed with a key that the service does not publish"
        )
    try:
        claims: Json = jwt.decode(
            receipt,
            key,
            algorithms=[ALGORITHM],
            audience=expected_audience,
            issuer=expected_issuer,
            # The caller's `now` decides about the time, not the library's clock.
            options={
                "require": list(_REQUIRED),
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidAudienceError:
        raise ReceiptRefused("audience", "the receipt is for another backend") from None
    except jwt.InvalidIssuerError:
        raise ReceiptRefused("issuer", "the receipt is from another service") from None
    except jwt.InvalidSignatureError:
        raise ReceiptRefused("signature", "the signature does not verify") from None
    except (jwt.PyJWTError, ValueError):
        raise ReceiptRefused("malformed", "the receipt lacks a claim or has one of the wrong kind") from None
    return claims


def _lifetime(claims: Json, now: datetime) -> tuple[datetime, datetime]:
    try:
        issued_at = datetime.fromtimestamp(int(claims["iat"]), UTC)
        expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise ReceiptRefused("malformed", "the receipt's times are not numbers") from None
    if now >= expires_at:
        raise ReceiptRefused("expired", "the receipt has expired")
    if issued_at - now > CLOCK_SKEW:
        raise ReceiptRefused("not-yet", "the receipt is from the future; check this machine's clock")
    if expires_at - issued_at > LONGEST_LIFE:
        raise ReceiptRefused("too-long", "the receipt claims to live longer than any receipt does")
    return issued_at, expires_at


def _must_bind(claims: Json, payment: Payment) -> None:
    binding = Binding.of(payment)
    if claims["binding"] != {"v": binding.v, "digest": binding.digest}:
        raise ReceiptRefused("other-payment", "the receipt is for another payment")
    if claims["sub"] != payment.subject.user or claims["aud"] != payment.subject.client:
        raise ReceiptRefused("other-payer", "the receipt is for another payer")


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ReceiptRefused("malformed", "the receipt has a claim of the wrong kind")
    return tuple(value)


def _read_key(entry: object) -> tuple[str, EllipticCurvePublicKey | None]:
    if not isinstance(entry, dict) or entry.get("kty") != "EC" or entry.get("use", "sig") != "sig":
        return "", None
    try:
        key = jwt.PyJWK(entry, ALGORITHM).key
    except (jwt.PyJWTError, ValueError):
        return "", None
    good = isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    return str(entry.get("kid")), key if good else None
