"""With a list of authenticator models, a phone registers over HTTP only as one of them; without it, as any."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from authsvc.bootstrap.wiring import device_rules
from authsvc.config import Settings
from authsvc.errors import ConfigurationError
from authsvc.subject import Subject
from tests.device.makers import AAGUID, LIST, OTHER, Authority, Maker, octets, write
from tests.web.conftest import Shop, opened_shop
from tests.web.people import Registration


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop that admits the keys of one maker."""
    folder = tmp_path_factory.mktemp("strict")
    listed = write(folder, LIST.replace("2027-01-01", "2099-01-01"))
    with opened_shop(folder, attestation_models=listed) as shop:
        yield shop


def test_a_listed_model_is_registered_and_counts_as_attested(strict: Shop, user: str):
    made = Registration(strict, user)
    assert made.options["attestation"] == "direct"
    Maker().attest(made.answer)
    assert made.hand_in().status_code == 200
    assert made.complete().status_code == 200
    [record] = strict.wired.store.ledger.read(lambda tx: tx.credentials.live(Subject("shop", user)))
    assert record.attested
    assert record.aaguid == str(AAGUID)


@pytest.mark.parametrize(
    ("maker", "reason"),
    [
        (None, "attestation-format"),
        (Maker(issuer=Authority("Other Root")), "attestation-chain"),
        (Maker(leaf={"aaguid": octets(OTHER)}), "attestation-profile"),
        (Maker(aaguid=OTHER, leaf={"aaguid": octets(OTHER)}), "attestation-model"),
    ],
    ids=["no statement", "foreign root", "another model in the certificate", "model not listed"],
)
def test_any_other_is_refused_alike_and_told_apart_in_the_audit(
    strict: Shop, user: str, maker: Maker | None, reason: str
):
    made = Registration(strict, user)
    if maker is not None:
        maker.attest(made.answer)
    refused = made.hand_in()
    assert refused.status_code == 400
    assert reason not in refused.text
    assert made.reasons() == [reason]
    assert made.complete().status_code == 400


def test_without_a_list_any_key_is_registered_and_claims_nothing(shop: Shop, user: str):
    made = Registration(shop, user)
    assert made.options["attestation"] == "none"
    made.answer.aaguid = UUID("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4").bytes
    assert made.hand_in().status_code == 200
    assert made.complete().status_code == 200
    [record] = shop.wired.store.ledger.read(lambda tx: tx.credentials.live(Subject("shop", user)))
    assert not record.attested


@pytest.mark.parametrize("mistake", ["missing", "broken", "pinned leaf"])
def test_a_list_that_cannot_be_used_stops_the_start(tmp_path: Path, mistake: str):
    listed = {
        "missing": lambda: tmp_path / "nowhere.toml",
        "broken": lambda: write(tmp_path, LIST.replace("[[model]]", "[[models]]")),
        "pinned leaf": lambda: write(tmp_path, LIST, Maker().certificate()),
    }[mistake]()
    with pytest.raises(ConfigurationError, match="list of authenticator models"):
        device_rules(Settings(attestation_models=listed))
