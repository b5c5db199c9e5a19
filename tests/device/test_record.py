"""A credential as the relying party remembers it: it waits as JSON, and an attested key is what it was proven to be."""

from dataclasses import replace

import pytest

from authsvc.device.record import CredentialRecord
from tests.device.scene import ALICE, ORIGIN, registered
from tests.support.authenticator import Authenticator


@pytest.fixture(scope="module")
def record() -> CredentialRecord:
    return registered(Authenticator(ORIGIN))


def test_a_record_waits_as_json_and_comes_back(record: CredentialRecord) -> None:
    assert CredentialRecord.from_json(ALICE, record.to_json()) == record


@pytest.mark.parametrize(
    ("eligible", "attested", "says", "may"),
    [
        (False, False, True, True),
        (False, True, True, False),
        (True, False, False, False),
        (True, True, True, True),
        (False, True, False, True),
    ],
)
def test_a_key_may_become_eligible_for_backup_and_never_stop_being_it(
    record: CredentialRecord, eligible: bool, attested: bool, says: bool, may: bool
) -> None:
    assert replace(record, backup_eligible=eligible, attested=attested).may_say(says) is may
