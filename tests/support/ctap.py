"""A CTAP2 authenticator in this process, for python-fido2's client: keys, counter and user verification, no cable.

All bytes are put together by python-fido2, so that nothing here repeats what the code under test believes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.ctap import CtapDevice, CtapError
from fido2.hid import CAPABILITY
from fido2.utils import sha256
from fido2.webauthn import Aaguid, AttestedCredentialData, AuthenticatorData

MAKE_CREDENTIAL, GET_ASSERTION, GET_INFO = 1, 2, 4
FLAGS = AuthenticatorData.FLAG


@dataclass
class Resident:
    """One key of the authenticator, and for whom it was made."""

    id: bytes
    rp_id: str
    user: Mapping[str, Any]
    key: ec.EllipticCurvePrivateKey


@dataclass
class SoftwareKey(CtapDevice):
    """`verifies` is False for a phone whose sensor is broken: it asks nobody and says so."""

    residents: list[Resident] = field(default_factory=list)
    count: int = 0
    verifies: bool = True

    @property
    def capabilities(self) -> int:
        return int(CAPABILITY.CBOR)

    @classmethod
    def list_devices(cls) -> Iterator[CtapDevice]:
        return iter(())

    def call(self, cmd: int, data: bytes = b"", event: Any = None, on_keepalive: Any = None) -> bytes:
        command = data[0]
        request: Any = cbor.decode(data[1:]) if len(data) > 1 else {}
        try:
            answer = {
                GET_INFO: self._info,
                MAKE_CREDENTIAL: self._make,
                GET_ASSERTION: self._assert,
            }[command](request)
        except CtapError as error:
            return bytes([error.code])
        return b"\x00" + cbor.encode(answer)

    def _info(self, request: Mapping[int, Any]) -> Mapping[int, Any]:
        # Without a protocol in member 6 the client says that there is none it could use.
        return {
            1: ["FIDO_2_0"],
            3: bytes(16),
            4: {"rk": True, "up": True, "uv": True},
            5: 4096,
            6: [2],
            9: ["internal"],
        }

    def _make(self, request: Mapping[int, Any]) -> Mapping[int, Any]:
        rp_id, user = request[2]["id"], request[3]
        known = {each.id for each in self.residents}
        if any(each["id"] in known for each in request.get(5, ())):
            raise CtapError(CtapError.ERR.CREDENTIAL_EXCLUDED)
        made = Resident(secrets.token_bytes(32), rp_id, user, ec.generate_private_key(ec.SECP256R1()))
        self.residents.append(made)
        public = ES256.from_cryptography_key(made.key.public_key())
        attested = AttestedCredentialData.create(Aaguid.NONE, made.id, public)
        flags = self._flags(request.get(7, {})) | FLAGS.AT
        return {1: "none", 2: bytes(self._data(rp_id, flags, attested)), 3: {}}

    def _assert(self, request: Mapping[int, Any]) -> Mapping[int, Any]:
        allowed = {each["id"] for each in request.get(3, ())}
        usable = [
            each
            for each in self.residents
            if each.rp_id == request[1] and (not allowed or each.id in allowed)
        ]
        if not usable:
            raise CtapError(CtapError.ERR.NO_CREDENTIALS)
        chosen = usable[0]
        data = bytes(self._data(chosen.rp_id, self._flags(request.get(5, {}))))
        signature = chosen.key.sign(data + request[2], ec.ECDSA(hashes.SHA256()))
        answer = {1: {"id": chosen.id, "type": "public-key"}, 2: data, 3: signature}
        return {**answer, 4: {"id": chosen.user["id"]}}

    def _flags(self, options: Mapping[str, bool]) -> FLAGS:
        flags = FLAGS.UP if options.get("up", True) else FLAGS(0)
        return flags | FLAGS.UV if options.get("uv") and self.verifies else flags

    def _data(
        self, rp_id: str, flags: FLAGS, attested: AttestedCredentialData | None = None
    ) -> AuthenticatorData:
        self.count += 1
        return AuthenticatorData.create(sha256(rp_id.encode()), flags, self.count, attested or b"")
