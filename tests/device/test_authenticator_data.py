"""What an authenticator says of a ceremony: each flag that must hold is refused under its own name."""

import hashlib
from dataclasses import replace

import pytest

from authsvc.device.authenticator_data import AuthenticatorData
from authsvc.device.refusal import Refusal, Refused
from tests.device.scene import PARTY

GOOD = AuthenticatorData(hashlib.sha256(PARTY.id.encode()).digest(), True, True, True, True, 7, None)


def test_what_is_right_is_accepted() -> None:
    GOOD.check(PARTY, user_verification=True)
    replace(GOOD, user_verified=False).check(PARTY, user_verification=False)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rp_id_hash": bytes(32)}, Refusal.RELYING_PARTY),
        ({"user_present": False}, Refusal.USER_PRESENCE),
        ({"user_verified": False}, Refusal.USER_VERIFICATION),
        ({"backup_eligible": False}, Refusal.BACKUP_FLAGS),
    ],
)
def test_each_fault_has_its_code(change: dict[str, object], code: Refusal) -> None:
    with pytest.raises(Refused) as refused:
        replace(GOOD, **change).check(PARTY, user_verification=True)  # type: ignore[arg-type]
    assert refused.value.code is code
