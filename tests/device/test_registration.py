"""A device key is made: honest registrations pass, and each spoiled one is refused by the check it was spoiled for."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fido2 import cbor

from authsvc.device.models import looks_like
from authsvc.device.record import CredentialRecord
from authsvc.device.refusal import Refused
from authsvc.device.registration import begin_registration, finish_registration
from authsvc.errors import InvalidRequest
from tests.device.registration_cases import CASES, RegistrationCase
from tests.device.scene import ALICE, NOW, ORIGIN, PARTY, creation, registered
from tests.device.writings import WRITINGS, rewritten
from tests.support.authenticator import AT, BE, BS, ED, UP, UV, Authenticator, Creation, b64, sign, unb64

MARK = b"\xef\xbb\xbf"


def finish(kept: Any, credential: dict[str, Any], after: int = 1) -> CredentialRecord:
    return finish_registration(PARTY, kept, credential, ALICE, "dev_1", NOW + timedelta(seconds=after))


def refusal_of(case: RegistrationCase) -> str | None:
    """The code with which a case is refused; None when it is accepted."""
    kept, answer = creation(Authenticator(ORIGIN))
    case.spoil(answer)
    credential = answer.to_json()
    case.tamper(credential)
    try:
        finish(kept, credential)
    except Refused as refused:
        return refused.code
    return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_spoiled_registration_is_refused_for_its_own_reason(case: RegistrationCase) -> None:
    started = time.process_time()
    assert refusal_of(case) == case.code
    assert time.process_time() - started < 2


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


def test_the_options_ask_for_a_verified_user_and_a_fresh_challenge() -> None:
    first, second = (begin_registration(PARTY, ALICE, (), NOW).sent["publicKey"] for _ in range(2))
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first["authenticatorSelection"]["userVerification"] == "required"
    assert first["rp"] == {"id": "pay.example", "name": "Example Pay"}
    assert first["attestation"] == "none"
    assert [each["alg"] for each in first["pubKeyCredParams"]] == [-7, -257]
    assert first["extensions"] == {"credProps": True}
    assert len(unb64(first["challenge"])) == len(unb64(first["user"]["id"])) == 32
    assert first["challenge"] != second["challenge"]


def test_the_keys_in_use_are_excluded_and_the_handle_stays() -> None:
    record = registered(Authenticator(ORIGIN))
    begun = begin_registration(PARTY, ALICE, [record], NOW, user_handle=record.user_handle)
    options: Any = begun.sent["publicKey"]
    assert [each["id"] for each in options["excludeCredentials"]] == [record.id]
    assert unb64(options["user"]["id"]) == record.user_handle


def test_an_eleventh_key_is_refused() -> None:
    record = registered(Authenticator(ORIGIN))
    with pytest.raises(InvalidRequest, match="at most 10"):
        begin_registration(PARTY, ALICE, [record] * 10, NOW)


def test_a_key_for_payments_is_asked_for_as_browsers_want_it() -> None:
    options: Any = begin_registration(PARTY, ALICE, (), NOW, pays=True).sent["publicKey"]
    assert options["extensions"]["payment"] == {"isPayment": True}
    assert options["authenticatorSelection"]["authenticatorAttachment"] == "platform"
    assert registered(Authenticator(ORIGIN), pays=True).pays


def test_an_honest_registration_becomes_a_record() -> None:
    phone = Authenticator(ORIGIN)
    record = registered(phone)
    assert (record.subject, record.device_id, record.sign_count) == (ALICE, "dev_1", 1)
    assert unb64(record.id) == phone.credential_id
    assert record.user_handle == phone.handle
    assert record.transports == ("hybrid", "internal")
    assert (record.format, record.attested, record.backup_eligible) == ("none", False, False)


def test_an_rsa_key_is_accepted() -> None:
    registered(Authenticator(ORIGIN, key=rsa.generate_private_key(65537, 2048)))


def test_a_synced_key_says_so() -> None:
    record = registered(Authenticator(ORIGIN, flags=BE | BS))
    assert record.backup_eligible
    assert record.backed_up


def self_attest(answer: Creation, phone: Authenticator) -> None:
    answer.format = "packed"
    answer.statement = lambda auth_data, client_hash: {
        "alg": -7,
        "sig": sign(phone.key, auth_data + client_hash),
    }


def test_a_self_attested_key_is_accepted_and_counts_as_unattested() -> None:
    phone = Authenticator(ORIGIN)
    kept, answer = creation(phone)
    self_attest(answer, phone)
    record = finish(kept, answer.to_json())
    assert (record.format, record.attested) == ("packed", False)


@pytest.mark.parametrize(
    "make",
    [
        lambda answer: answer.client_data.update(future="member"),
        lambda answer: answer.client_data.pop("crossOrigin"),
        lambda answer: answer.client_data.update(tokenBinding={"status": "supported"}),
        lambda answer: setattr(answer, "statement", lambda auth_data, client_hash: {"made-up": 1}),
        lambda answer: answer.__dict__.update(flags=UP | UV | AT | ED, tail=cbor.encode({"credProtect": 2})),
        lambda answer: setattr(answer, "count", 2**32 - 1),
        lambda answer: setattr(answer, "raw_client_data", MARK + json.dumps(answer.client_data).encode()),
    ],
    ids=[
        "client data of the future",
        "no crossOrigin",
        "token binding possible",
        "statement of the future",
        "extensions",
        "highest count",
        "byte order mark",
    ],
)
def test_what_is_unusual_but_harmless_is_accepted(make: Any) -> None:
    kept, answer = creation(Authenticator(ORIGIN))
    make(answer)
    finish(kept, answer.to_json())


@pytest.mark.parametrize("write", WRITINGS.values(), ids=WRITINGS)
def test_bytes_are_read_however_a_script_writes_them(write: Callable[[str], str]) -> None:
    phone = Authenticator(ORIGIN, credential_id=b"\xfb\xff\xbe" * 7 + b"\xff")
    kept, answer = creation(phone)
    assert finish(kept, rewritten(answer.to_json(), write)).id == b64(phone.credential_id)


def test_an_id_may_be_written_in_another_way_than_the_raw_id() -> None:
    phone = Authenticator(ORIGIN, credential_id=b"\xfb\xff\xbe" * 7 + b"\xff")
    kept, answer = creation(phone)
    credential = answer.to_json()
    credential["rawId"] = WRITINGS["plain base64, padded"](credential["rawId"])
    assert finish(kept, credential).id == b64(phone.credential_id)


def test_transports_nobody_knows_are_dropped() -> None:
    kept, answer = creation(Authenticator(ORIGIN))
    credential = answer.to_json()
    credential["response"]["transports"] = ["telepathy", "usb", 7, "<script>"]
    assert finish(kept, credential).transports == ("usb",)


def test_a_registration_that_came_too_late_is_refused() -> None:
    kept, answer = creation(Authenticator(ORIGIN))
    with pytest.raises(InvalidRequest, match="too long"):
        finish(kept, answer.to_json(), after=120)


def test_the_answer_to_another_registration_is_refused() -> None:
    kept, _ = creation(Authenticator(ORIGIN))
    _, other = creation(Authenticator(ORIGIN))
    with pytest.raises(Refused, match="challenge"):
        finish(kept, other.to_json())


def test_a_record_survives_the_wait_for_its_enrollment() -> None:
    record = registered(Authenticator(ORIGIN, flags=BE), pays=True)
    assert CredentialRecord.from_json(ALICE, json.loads(json.dumps(record.to_json()))) == record


def test_an_aaguid_is_a_hint_and_no_more() -> None:
    assert looks_like("fbfc3007-154e-4ecc-8c0b-6e020557d7bd") == "iCloud Keychain"
    assert looks_like("00000000-0000-0000-0000-000000000000") is None
