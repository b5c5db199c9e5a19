"""Answers spoiled one byte at a time: what is signed is refused at every byte, and nothing ends in a library's exception."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc.device.refusal import Refused
from authsvc.device.registration import finish_registration
from tests.device.scene import ALICE, NOW, ORIGIN, PARTY, Scene, creation, step
from tests.support.authenticator import Authenticator, Creation, b64, sign, unb64

STEP = step()


def spoiled(raw: bytes, at: int, by: int = 1) -> bytes:
    return raw[:at] + bytes([raw[at] ^ by]) + raw[at + 1 :]


@pytest.mark.parametrize("member", ["clientDataJSON", "authenticatorData", "signature"])
def test_an_assertion_is_refused_whichever_byte_is_another(member: str) -> None:
    scene = Scene()
    kept, shown = scene.begin(STEP)
    honest = scene.phone.get(shown["publicKey"]).to_json()
    raw = unb64(honest["response"][member])
    for at in range(len(raw)):
        for by in (0x01, 0x80):
            response = {**honest["response"], member: b64(spoiled(raw, at, by))}
            received = scene.receive(STEP, kept, {**honest, "response": response})
            assert "refused" in received.kept, (member, at, by)
    assert "refused" not in scene.receive(STEP, kept, honest).kept


def accepted_bytes(kept: Any, answer: Creation) -> set[int]:
    """The positions of the authenticator data at which another byte is accepted."""
    raw, accepted = answer.auth_data(), set()
    for at in range(len(raw)):
        answer.raw_auth_data = spoiled(raw, at, 0x02)
        with suppress(Refused):
            finish_registration(PARTY, kept, answer.to_json(), ALICE, "dev_1", NOW)
            accepted.add(at)
    return accepted


def test_an_unattested_registration_may_differ_in_what_nobody_vouches_for_and_nowhere_else() -> None:
    kept, answer = creation(Authenticator(ORIGIN))
    # A reserved flag, the count, the AAGUID: so it might have been honest.
    assert accepted_bytes(kept, answer) == {32, *range(33, 37), *range(37, 53)}


def test_a_self_attested_registration_is_refused_whichever_byte_is_another() -> None:
    phone = Authenticator(ORIGIN)
    kept, answer = creation(phone)
    answer.format = "packed"
    answer.statement = lambda auth_data, client_hash: {
        "alg": -7,
        "sig": sign(phone.key, auth_data + client_hash),
    }
    assert accepted_bytes(kept, answer) == set()


@settings(max_examples=300)
@given(at=st.integers(0, 10_000), length=st.integers(0, 40), junk=st.binary(max_size=40))
def test_a_mangled_attestation_object_is_refused_or_another_honest_one(
    at: int, length: int, junk: bytes
) -> None:
    kept, answer = creation(Authenticator(ORIGIN))
    credential: dict[str, Any] = answer.to_json()
    raw = unb64(credential["response"]["attestationObject"])
    at %= len(raw)
    credential["response"]["attestationObject"] = b64(raw[:at] + junk + raw[at + length :])
    try:
        record = finish_registration(PARTY, kept, credential, ALICE, "dev_1", NOW)
    except Refused:
        return
    assert unb64(record.id) == answer.credential_id


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["id", "rawId", "type", "authenticatorAttachment", "clientExtensionResults", "response"]
)
INNER = st.sampled_from(
    ["clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject", "transports"]
)


@settings(max_examples=200)
@given(outer=st.dictionaries(NAMES, JSON, max_size=2), inner=st.dictionaries(INNER, JSON, max_size=2))
def test_any_json_in_any_member_is_refused_or_harmless(outer: dict[str, Any], inner: dict[str, Any]) -> None:
    kept, answer = creation(Authenticator(ORIGIN))
    credential = answer.to_json()
    credential = {**credential, "response": {**credential["response"], **inner}, **outer}
    with suppress(Refused):
        finish_registration(PARTY, kept, credential, ALICE, "dev_1", NOW)
