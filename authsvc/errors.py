"""What can go wrong, in words that callers may catch.

*No* is an answer and never stands here. These are the cases in which no answer can be given: the request makes no
sense, its object is not there or is past changing, something we depend on is broken, or what we stored was tampered with.
Each carries the problem slug under which the HTTP API explains it; status codes are the web's own business.
"""

from __future__ import annotations

from collections.abc import Mapping


class AuthsvcError(Exception):
    """Anything that authsvc raises on purpose."""

    slug = "unavailable"

    def __init__(self, detail: str, **extra: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra: Mapping[str, object] = extra


class InvalidRequest(AuthsvcError):
    """The request cannot be understood; `errors` in `extra` may list the fields."""

    slug = "invalid-request"


class Unauthenticated(AuthsvcError):
    """No key or token, or not one that is good here."""

    slug = "unauthenticated"


class InsufficientScope(AuthsvcError):
    """A good key that may not do this."""

    slug = "insufficient-scope"


class NotPermitted(AuthsvcError):
    """A signed-in operator whose roles do not allow this, or who would have to be another person for it."""

    slug = "not-permitted"


class NotFound(AuthsvcError):
    """No such object, or one that belongs to somebody else: the two look the same."""

    slug = "not-found"


class UserFrozen(AuthsvcError):
    """The account is frozen; nothing but an unfreeze is done for it."""

    slug = "user-frozen"


class Locked(AuthsvcError):
    """Too many failures; `retry_after` in `extra` says for how many seconds."""

    slug = "locked"


class ProofRequired(AuthsvcError):
    """The account has factors already; changing them needs a receipt at its highest level."""

    slug = "proof-required"


class ChallengeClosed(AuthsvcError):
    """The challenge or enrollment was answered, cancelled or has expired."""

    slug = "challenge-closed"


class WarningUnanswered(AuthsvcError):
    """The challenge carries a warning that nobody has acknowledged; `retry_after` in `extra` while it must still be read."""

    slug = "warning-unanswered"


class TransactionChanged(AuthsvcError):
    """The transaction id is in use for another amount or payee; its old challenge is now cancelled."""

    slug = "transaction-changed"


class IdempotencyKeyMissing(AuthsvcError):
    """The call creates or consumes, and came without an Idempotency-Key."""

    slug = "idempotency-key-missing"


class IdempotencyKeyReused(AuthsvcError):
    """The same Idempotency-Key came with another request."""

    slug = "idempotency-key-reused"


class IdempotencyInProgress(AuthsvcError):
    """The first request with this Idempotency-Key has not been answered yet."""

    slug = "idempotency-in-progress"


class ReceiptConsumed(AuthsvcError):
    """The receipt has been used already."""

    slug = "receipt-consumed"


class ReceiptMismatch(AuthsvcError):
    """The receipt is not one of ours, has expired, or is for another payment."""

    slug = "receipt-mismatch"


class PolicyInvalid(AuthsvcError):
    """The policy document breaks its schema or its own tests; `findings` in `extra` says where."""

    slug = "policy-invalid"


class PolicyStep(AuthsvcError):
    """The policy version is not at this point of its life; `state` in `extra` says where it is."""

    slug = "policy-step"


class PolicyConflict(AuthsvcError):
    """Somebody else changed the active policy in between."""

    slug = "policy-conflict"


class PayloadTooLarge(AuthsvcError):
    """More bytes, pixels or seconds than are accepted."""

    slug = "payload-too-large"


class UnsupportedMedia(AuthsvcError):
    """Not one of the media types or file formats that are accepted here."""

    slug = "unsupported-media"


class ChallengeFailed(AuthsvcError):
    """What was shown does not prove it; `attempts_remaining` in `extra` says what is left."""

    slug = "challenge-failed"


class CaptureUnusable(AuthsvcError):
    """A picture or recording that cannot be judged; `hints` in `extra` tell the person what to do. No attempt is charged."""

    slug = "capture-unusable"


class EndpointDisabled(AuthsvcError):
    """Nothing is sent to a webhook endpoint that is disabled."""

    slug = "endpoint-disabled"


class MethodNotAllowed(AuthsvcError):
    """The address does not offer this method: the service is of another version than its caller."""

    slug = "method-not-allowed"


class RequestTimeout(AuthsvcError):
    """The request did not arrive in time; what it would have done was not done."""

    slug = "request-timeout"


class RateLimited(AuthsvcError):
    """Too many requests; `retry_after` in `extra` says for how many seconds."""

    slug = "rate-limited"


class Unavailable(AuthsvcError):
    """Something we depend on is gone, slow or answering garbage. Refusing is the answer; trying again is allowed."""

    slug = "unavailable"


class InternalError(AuthsvcError):
    """The service broke over this request. Whether it had an effect is not known; the same Idempotency-Key finds out."""

    slug = "internal-error"


class ConfigurationError(AuthsvcError):
    """The service cannot start as it is configured."""


class Tampered(AuthsvcError):
    """Something sealed or chained does not open or does not add up."""


class RecordBroken(Tampered):
    """A row that carries authority is not as this service wrote it. It lets nobody in, and is never taken for an absent one."""

    slug = "record-broken"


class ModelUnusable(AuthsvcError):
    """A weight file is missing, changed, or not accepted; the text says what to do."""
