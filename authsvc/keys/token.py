"""A token (HSM, PKCS#11) that keeps signing keys and never gives them away: it makes them, and signs with them.

For the key ring. Only this file has heard of python-pkcs11 (the extra `authsvc[pkcs11]`), which loads when a key is made or used.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from authsvc.errors import ConfigurationError, Unavailable

Result = TypeVar("Result")

MAKING = timedelta(seconds=60)
"""A smart card takes seconds for a pair of keys; nobody but an operator waits for it."""


class Curve(Enum):
    """What a token makes keys of: the object identifier by which it knows the curve."""

    P_256 = "1.2.840.10045.3.1.7"
    ED25519 = "1.3.101.112"


class Token:
    """One token by its label, through the library of its maker.

    Threads take turns at one session, which is opened when it is needed: for the first time, after an outage, and after a
    fork. Whatever goes wrong is an outage: Unavailable; ConfigurationError where the extra is missing.
    A PIN that was refused is not tried again, since a token shuts after a few wrong ones.

    Nobody waits longer than `patience`, turn and answer together. No call into the library can be broken off: one that hangs
    keeps its turn in a thread of its own, and until it comes back everybody else is refused at once.
    """

    def __init__(self, module: Path, label: str, pin: str, patience: timedelta) -> None:
        self._module, self._label, self._pin, self._patience = module, label, pin, patience
        self._turn = threading.Lock()
        self._due_at = 0.0
        # Any: python-pkcs11 is an extra, and its types are not here without it.
        self._session: Any = None
        self._keys: dict[str, Any] = {}
        self._opened_by = 0
        self._pin_refused = False

    def make(self, curve: Curve) -> tuple[str, bytes]:
        """A new pair of keys: the label by which the token knows it, and the public key's point."""
        name = f"authsvc-{secrets.token_hex(8)}"
        return name, self._ask(lambda: _point(_pair(self._session, curve, name)), MAKING)

    def ecdsa(self, name: str, digest: bytes) -> bytes:
        """The two halves of a signature of this digest, 32 bytes each."""
        return self._sign(name, digest, "ECDSA")

    def eddsa(self, name: str, message: bytes) -> bytes:
        """The 64 bytes of an Ed25519 signature."""
        return self._sign(name, message, "EDDSA")

    def _sign(self, name: str, data: bytes, mechanism: str) -> bytes:
        def signed() -> bytes:
            import pkcs11

            return bytes(self._key(name).sign(data, mechanism=pkcs11.Mechanism[mechanism]))

        return self._ask(signed, self._patience)

    def _ask(self, call: Callable[[], Result], patience: timedelta) -> Result:
        due_at = time.monotonic() + patience.total_seconds()
        self._take_turn(patience)
        self._due_at = due_at
        outcome: Future[Result] = Future()
        try:
            threading.Thread(target=self._answer, args=(call, outcome), name="token", daemon=True).start()
        except RuntimeError as error:
            self._turn.release()
            raise Unavailable(f"the token `{self._label}` was not asked: {error}") from error
        try:
            return outcome.result(max(0.0, due_at - time.monotonic()))
        except TimeoutError:
            raise self._silent() from None

    def _take_turn(self, patience: timedelta) -> None:
        overdue = self._turn.locked() and time.monotonic() > self._due_at
        if overdue or not self._turn.acquire(timeout=patience.total_seconds()):
            raise self._silent()

    def _silent(self) -> Unavailable:
        return Unavailable(
            f"the token `{self._label}` does not answer: it was asked and has said nothing yet"
        )

    def _answer(self, call: Callable[[], Result], outcome: Future[Result]) -> None:
        """In a thread of its own, with the turn, which ends when the library comes back."""
        try:
            outcome.set_result(self._in_session(call))
        except BaseException as error:  # noqa: BLE001  # Whoever waits for the outcome gets it.
            outcome.set_exception(error)
        finally:
            self._turn.release()

    def _in_session(self, call: Callable[[], Result]) -> Result:
        """After a failure the next call begins with a new session."""
        try:
            import pkcs11
        except ModuleNotFoundError:
            raise ConfigurationError(
                "keys in a token need `python-pkcs11`: pip install 'authsvc[pkcs11]'"
            ) from None
        if self._pin_refused:
            raise Unavailable(f"the token `{self._label}` refused its PIN before: mend it, and start again")
        try:
            self._be_open()
            return call()
        except pkcs11.PKCS11Error as error:
            self._session = None
            self._pin_refused = isinstance(error, pkcs11.PinIncorrect | pkcs11.PinLocked)
            said = f"{type(error).__name__} {error}".strip()
            raise Unavailable(f"the token `{self._label}` does not answer: {said}") from error

    def _be_open(self) -> None:
        if self._session is not None and self._opened_by == os.getpid():
            return
        import pkcs11

        library = pkcs11.lib(str(self._module))
        # What was read of the slots before, or before the fork, is not believed. Finalized by ctypes, because python-pkcs11
        # holds the interpreter's lock meanwhile, and a token that hangs there would stop every thread.
        ctypes.CDLL(str(self._module)).C_Finalize(None)
        with suppress(pkcs11.PKCS11Error):
            library.finalize()
        library.initialize()
        self._session = library.get_token(token_label=self._label).open(user_pin=self._pin, rw=True)
        self._keys, self._opened_by = {}, os.getpid()

    def _key(self, name: str) -> Any:  # Any: as above.
        if name not in self._keys:
            import pkcs11

            private = pkcs11.ObjectClass.PRIVATE_KEY
            self._keys[name] = self._session.get_key(object_class=private, label=name)
        return self._keys[name]


def _pair(session: Any, curve: Curve, name: str) -> Any:  # Any: as above.
    """The public half of a new pair, of which the private half does not leave the token."""
    import pkcs11
    from pkcs11.util.ec import encode_named_curve_parameters

    kinds, how = pkcs11.KeyType, pkcs11.Mechanism
    kind, make = {
        Curve.P_256: (kinds.EC, how.EC_KEY_PAIR_GEN),
        Curve.ED25519: (kinds.EC_EDWARDS, how.EC_EDWARDS_KEY_PAIR_GEN),
    }[curve]
    on = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(curve.value)}
    parameters = session.create_domain_parameters(kind, on, local=True)
    public, _ = parameters.generate_keypair(mechanism=make, store=True, label=name)
    return public


def _point(public: Any) -> bytes:  # Any: as above.
    """The point inside of its OCTET STRING (PKCS#11 v3.0, section 2.3.3), which is shorter than 128 bytes."""
    import pkcs11

    return bytes(public[pkcs11.Attribute.EC_POINT])[2:]


class HeldReceiptKey:
    """A P-256 key in a token, used as one of `cryptography` is."""

    def __init__(self, token: Token | None, name: str, point: bytes) -> None:
        """Raises ValueError for a point outside the group."""
        self._token, self._name = token, name
        self._public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    def sign(self, data: bytes, algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """ECDSA with SHA-256, whatever is asked for, as DER."""
        halves = _reachable(self._token).ecdsa(self._name, hashlib.sha256(data).digest())
        return encode_dss_signature(int.from_bytes(halves[:32], "big"), int.from_bytes(halves[32:], "big"))


class HeldAuditKey:
    """An Ed25519 key in a token, used as one of `cryptography` is."""

    def __init__(self, token: Token | None, name: str, point: bytes) -> None:
        self._token, self._name = token, name
        self._public = Ed25519PublicKey.from_public_bytes(point)

    def public_key(self) -> Ed25519PublicKey:
        return self._public

    def sign(self, data: bytes) -> bytes:
        return _reachable(self._token).eddsa(self._name, data)


def _reachable(token: Token | None) -> Token:
    if token is None:
        raise ConfigurationError("the key ring's keys are in a token: set `AUTHSVC_PKCS11_MODULE`")
    return token
