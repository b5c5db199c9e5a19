"""The whole service with the keys that sign in a token: it signs there, and while the token is away nothing is approved."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authsvc.bootstrap.doctor.keys import look_at_keys
from authsvc.bootstrap.doctor.surroundings import Surroundings
from authsvc.bootstrap.launch import launch
from authsvc.cli.demo.first_payer import SMALL, first_payer
from authsvc.client import AuthsvcClient, Payment
from authsvc.config import Settings
from authsvc.errors import ConfigurationError, Unavailable
from authsvc.keys.keyfile import write_private
from authsvc.keys.keyring import KeyRing
from authsvc.keys.token import Token
from tests.support.live import PROGRAM, LiveService
from tests.support.softhsm import PATIENCE, PIN, SoftToken, in_a_token
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def soft(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    return SoftToken(tmp_path_factory.mktemp("softhsm"))


@pytest.fixture(scope="module")
def service(
    soft: SoftToken, tmp_path_factory: pytest.TempPathFactory, model_dir: Path
) -> Iterator[LiveService]:
    folder = tmp_path_factory.mktemp("held")
    (folder / "data").mkdir(mode=0o700)
    (folder / "pin").write_text(f"{PIN}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(soft.configuration))
        KeyRing.create(folder / "data/keyring.json", token=Token(soft.library, soft.label, PIN, PATIENCE))
    environment = {
        "SOFTHSM2_CONF": str(soft.configuration),
        "AUTHSVC_PKCS11_MODULE": str(soft.library),
        "AUTHSVC_PKCS11_PIN_FILE": str(folder / "pin"),
    }
    with LiveService(folder, model_dir, workers=2, environment=environment) as running:
        yield running


def readiness(service: LiveService) -> tuple[int, str]:
    """Status, and what is said of the token, up to the reason."""
    answer = service.ask("GET", "/readyz")
    checks = answer.json if answer.status == 200 else answer.json["checks"]
    return answer.status, checks["token"].partition(":")[0]


def examined(service: LiveService, soft: SoftToken) -> list[str]:
    settings = Settings(data_dir=service.data_dir, pkcs11_module=soft.library, pkcs11_pin=PIN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(soft.configuration))
        return [each.name for each in look_at_keys(settings, Surroundings())]


def test_receipts_and_audit_are_signed_there_and_nothing_is_while_it_is_away(
    service: LiveService, soft: SoftToken, tmp_path: Path
):
    url = f"http://127.0.0.1:{service.port}"
    options: dict[str, Any] = {
        "client": "demo-shop",
        "tolerated_warnings": ("unsafe-no-pad",),
        "timeout": 60.0,
    }
    with (
        AuthsvcClient(url, service.api_key, tries=5, **options) as auth,
        AuthsvcClient(url, service.api_key, tries=1, **options) as hasty,
    ):
        payer = first_payer(auth, url, tmp_path)

        def coffee() -> Payment:
            transaction = f"coffee-{secrets.token_hex(8)}"
            return auth.payment(
                payer.user_id,
                transaction,
                type="transfer",
                amount_minor=SMALL,
                currency="CNY",
                payee_id="p",
                payee_name="payee",
            )

        def approved() -> bool:
            payment = coffee()
            decision = auth.decide(payment, device=payer.device, risk_score=12)
            assert decision.receipt is not None
            auth.verify(decision.receipt, payment)
            return decision.status == "approved"

        # Often enough for each of the web processes, which have a session each.
        assert all(approved() for _ in range(8))
        assert readiness(service) == (200, "ok")
        away = (503, "the token `authsvc` does not answer")
        for outage in (soft.absence, soft.hanging):
            with outage():
                for _ in range(8):
                    with pytest.raises(Unavailable):
                        hasty.decide(coffee(), device=payer.device, risk_score=12)
                eventually(lambda: readiness(service) == away)
                assert examined(service, soft) == ["token-away"]
            eventually(lambda: readiness(service) == (200, "ok"))
            assert all(approved() for _ in range(8))
    command = [PROGRAM, "audit", "verify", "--json", *service.store_options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout)["sound"], done.stdout + done.stderr


def test_a_ring_whose_token_is_not_named_does_not_start(tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    KeyRing.create(data / "keyring.json")
    whole = (data / "keyring.json").read_bytes()
    write_private(data / "keyring.json", in_a_token(whole), replace=True)
    with pytest.raises(ConfigurationError, match="AUTHSVC_PKCS11_MODULE"):
        launch(
            Settings(data_dir=data, port=0), development=False, with_shop=False, announce=lambda facts: None
        )
