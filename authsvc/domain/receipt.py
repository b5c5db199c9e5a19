"""The receipt: a signed statement that this payment, and no other, may go ahead (an *authentication code*, RTS Art. 5).

A JWS (ES256, `typ: stepup-receipt+jwt`) that lives for two minutes, is checked offline against the backend's own record
of the payment, and is consumed once.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurveSignatureAlgorithm,
)
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.utils import der_to_raw_signature

from authsvc.audit.evidence import Evidence, PolicyUsed
from authsvc.canonical import compact
from authsvc.clock import from_millis, rfc3339, to_millis
from authsvc.domain.decision import Decision, ReceiptRef, Status
from authsvc.errors import ReceiptMismatch
from authsvc.factor import Category, Factor
from authsvc.subject import Subject

TYPE = "stepup-receipt+jwt"
ERASURE_TYPE = "erasure-receipt+jwt"
ALGORITHM = "ES256"
LIFE = timedelta(seconds=120)


class Signs(Protocol):
    """A P-256 key, wherever it is; signatures are DER."""

    def sign(self, data: bytes, algorithm: EllipticCurveSignatureAlgorithm, /) -> bytes: ...


SigningKey = Callable[[], tuple[str, Signs]]


@dataclass(frozen=True, slots=True)
class AuditPosition:
    """Where the audit chain says the same."""

    chain: str
    seq: int


class ReceiptIssuer:
    """`warnings` are the frightening settings under which the service runs; every receipt says them."""

    def __init__(self, issuer: str, signing_key: SigningKey, warnings: tuple[str, ...] = ()) -> None:
        self._issuer = issuer
        self._signing_key = signing_key
        self._warnings = warnings

    def issue(self, decision: Decision, evidence: str, position: AuditPosition, now: datetime) -> ReceiptRef:
        """The receipt for a decision in the status it is about to have; `evidence` is the hash of what it rests on."""
        kid, key = self._signing_key()
        jti = secrets.token_urlsafe(16)
        expires_at = from_millis(to_millis(now + LIFE))
        claims = {
            "iss": self._issuer,
            "aud": decision.payment.subject.client,
            "sub": decision.payment.subject.user,
            "jti": jti,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "decision": decision.id,
            "status": decision.status.value,
            "transaction_id": decision.payment.transaction_id,
            "binding": {"v": decision.binding.v, "digest": decision.binding.digest},
            "policy": {
                "id": decision.policy.id,
                "version": decision.policy.version,
                "digest": decision.policy.digest,
            },
            "evidence": evidence,
            "audit": {"chain": position.chain, "seq": position.seq},
            "warnings": list(self._warnings),
            **proven_claims(decision),
        }
        return ReceiptRef(_signed(TYPE, kid, claims, key), jti, expires_at)

    def erased(self, subject: Subject, position: AuditPosition, now: datetime) -> str:
        """The receipt for an erasure: it never expires, and says where the audit says the same."""
        kid, key = self._signing_key()
        claims = {
            "iss": self._issuer,
            "aud": subject.client,
            "sub": subject.user,
            "iat": int(now.timestamp()),
            "erased_at": rfc3339(now),
            "audit": {"chain": position.chain, "seq": position.seq},
        }
        return _signed(ERASURE_TYPE, kid, claims, key)


class ReceiptReader:
    """Reads receipts that come back; `keys` are the public keys by `kid`, earlier ones included."""

    def __init__(self, issuer: str, keys: Callable[[], Mapping[str, object]]) -> None:
        self._issuer = issuer
        self._keys = keys

    def read(self, token: str, client: str, now: datetime) -> Mapping[str, object]:
        """The claims of a receipt for this client; raises ReceiptMismatch with the reason for anything else."""
        try:
            header = jwt.get_unverified_header(token)
            jwk = self._keys()[str(header.get("kid"))]
            claims: Mapping[str, object] = jwt.decode(
                token,
                jwk,  # type: ignore[arg-type]  # PyJWT names the key classes; ours come from the key ring.
                algorithms=[ALGORITHM],
                audience=client,
                issuer=self._issuer,
                options={"require": ["exp", "iat", "jti", "aud"], "verify_exp": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, KeyError, ValueError):
            raise ReceiptMismatch("the receipt is not one of ours for this client") from None
        if header.get("typ") != TYPE:
            raise ReceiptMismatch("the token is not a receipt")
        # The caller's clock decides, not the library's, so that a frozen clock is frozen here as well.
        if int(now.timestamp()) >= int(str(claims["exp"])):
            raise ReceiptMismatch("the receipt has expired")
        return claims


def _signed(kind: str, kid: str, claims: Mapping[str, object], key: Signs) -> str:
    """The claims as a JWS in its compact form (RFC 7515 section 7.1); the library signs, and is not asked about the rest."""
    message = f"{_header(kind, kid)}.{_base64(compact(claims).encode())}"
    return f"{message}.{_base64(der_to_raw_signature(key.sign(message.encode(), _ES256), _P256))}"


@lru_cache(maxsize=32)
def _header(kind: str, kid: str) -> str:
    return _base64(compact({"alg": ALGORITHM, "kid": kid, "typ": kind}).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


_P256, _ES256 = SECP256R1(), ECDSA(SHA256())


def proven_claims(decision: Decision) -> dict[str, object]:
    """`acr`, `amr`, categories and factors: what was proven in this decision, and nothing else."""
    factors = [Factor(str(proof["factor"])) for proof in decision.proofs]
    stated = decision.inputs.get("proven")
    proven = [Category(name) for name in stated] if isinstance(stated, Sequence) else []
    authenticated = decision.status is Status.AUTHENTICATED
    amr = [method for factor in factors for method in factor.amr] + (["kba"] if proven else [])
    return {
        "acr": decision.level if authenticated else "none",
        "amr": list(dict.fromkeys(amr)) if authenticated else [],
        "categories": sorted({*(factor.category for factor in factors), *proven}),
        "dynamic_linked": authenticated,
        "exemption": decision.exemption,
        "factors": [dict(proof) for proof in decision.proofs],
        **({} if decision.warning is None else {"warning": decision.warning.to_json()}),
    }


def evidence_of(decision: Decision) -> Evidence:
    """What the decision rests on, as an evidence bundle tells it."""
    policy = decision.policy
    return Evidence(
        decision_id=decision.id,
        subject=decision.payment.subject,
        decided_at=decision.created_at,
        status=decision.status.value,
        level=decision.level,
        binding=decision.binding.digest,
        inputs=decision.inputs,
        reasons=decision.reasons,
        policy=PolicyUsed(policy.id, policy.version, policy.digest),
        proofs=decision.proofs,
        device={"id": decision.device_id, "novelty": decision.novelty},
        warning=None if decision.warning is None else decision.warning.to_json(),
    )
