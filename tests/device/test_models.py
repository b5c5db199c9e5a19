"""A key's product by its AAGUID: a hint where it is known, nothing where it is not."""

from uuid import UUID

import pytest

from authsvc.device import models
from authsvc.device.models import UNKNOWN, looks_like


def test_a_known_model_has_a_name_and_others_have_none() -> None:
    assert looks_like("fbfc3007-154e-4ecc-8c0b-6e020557d7bd") == "iCloud Keychain"
    assert looks_like(UNKNOWN) is None
    assert looks_like("") is None


@pytest.mark.parametrize("aaguid", models._LOOKS_LIKE)
def test_every_id_is_written_as_it_is_looked_up(aaguid: str) -> None:
    assert str(UUID(aaguid)) == aaguid
