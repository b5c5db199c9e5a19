"""A service that signs receipts, with a key of its own and a clock that stands still."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from authsvc.domain.decision import Decision, PolicyRef, Status
from authsvc.domain.receipt import AuditPosition, ReceiptIssuer
from authsvc.keys.jwk import to_jwk
from authsvc.payment import Binding, Payee, Payment
from authsvc.subject import Subject

NOW = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)
ISSUER = "authsvc"
CLIENT = "shop"

PAYMENT = Payment.stated(
    transaction_id="pay_7731",
    type="transfer",
    amount_minor=125_000,
    currency="CNY",
    payee=Payee("cn:6228480402564890018", "友谊商店"),
    subject=Subject(CLIENT, "u_42"),
)


class Signer:
    """One signing key, and the set that publishes it."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.jwk = to_jwk(self.key.public_key())
        self.kid = self.jwk["kid"]

    @property
    def jwks(self) -> dict:
        return {"keys": [self.jwk]}

    def receipt(
        self, payment: Payment = PAYMENT, *, warnings: tuple[str, ...] = (), now: datetime = NOW
    ) -> str:
        """A receipt of the service's own issuer, for a payer who authenticated."""
        issuer = ReceiptIssuer(ISSUER, lambda: (self.kid, self.key), warnings)
        return issuer.issue(
            decision_about(payment), "sha256:" + "1" * 64, AuditPosition("web-1", 7), now
        ).token

    def forged(self, *, headers: dict | None = None, without: tuple[str, ...] = (), **claims: object) -> str:
        """A receipt signed with the right key, whose claims or headers are others."""
        honest = jwt.decode(self.receipt(), options={"verify_signature": False})
        changed = {name: value for name, value in {**honest, **claims}.items() if name not in without}
        head = {"typ": "stepup-receipt+jwt", "kid": self.kid, **(headers or {})}
        return jwt.encode(changed, self.key, algorithm="ES256", headers=head)


def decision_about(payment: Payment) -> Decision:
    challenged = Decision(
        id="dec_1",
        status=Status.CHALLENGE_REQUIRED,
        level="face",
        payment=payment,
        binding=Binding.of(payment),
        inputs={"proven": []},
        reasons=(),
        fired=(),
        policy=PolicyRef("default", 1, "sha256:" + "0" * 64),
        novelty="new",
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=5),
    )
    proofs = ({"factor": "face", "passed": True, "reason": "match"},)
    return replace(challenged.become(Status.AUTHENTICATED), proofs=proofs)
