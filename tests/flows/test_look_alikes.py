"""The same face on another account is told to the backend, if both agreed; nobody is refused for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from authsvc.biometric.words import Template
from authsvc.device.novelty import StatedDevice
from authsvc.enrolling.steps.look_alikes import WORDING
from authsvc.errors import Unavailable
from authsvc.keys.access import ApiKey
from tests.support.service import Bench, embedded


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(embedded(tmp_path / "data", look_alikes=True))
    yield bench
    bench.close()


def alerts(bench: Bench, key: ApiKey | None = None) -> list[tuple[str, list[str]]]:
    told = bench.services.records.events(key or bench.key, 0, 500)["events"]
    assert isinstance(told, list)
    return [
        (event["user_id"], event["data"]["users"])
        for event in told
        if event["type"] == "subject:face:resembles"
    ]


def test_a_face_that_is_enrolled_on_another_account_raises_an_alert_and_is_enrolled(watching: Bench) -> None:
    watching.enroll("u_1", face="ann", agrees=True)
    watching.enroll("u_2", face="bob", agrees=True)
    assert alerts(watching) == []
    watching.enroll("u_3", face="ann", agrees=True)
    assert alerts(watching) == [("u_3", ["u_1"])]
    decision = watching.decide(
        watching.payment(125_000, user="u_3"), StatedDevice("dev_new", "ds_whatever"), risk=73
    )
    assert ["face", "otp"] in decision["challenge"]["sets"]


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (False, False)])
def test_nobody_is_compared_who_did_not_agree(watching: Bench, first: bool, second: bool) -> None:
    watching.enroll("u_1", face="ann", agrees=first)
    watching.enroll("u_2", face="ann", agrees=second)
    assert alerts(watching) == []


def test_who_withdraws_is_compared_no_longer(watching: Bench) -> None:
    watching.enroll("u_1", face="ann", agrees=True)
    watching.services.users.withdraw_biometric(watching.key, "u_1", "face")
    watching.enroll("u_2", face="ann", agrees=True)
    assert alerts(watching) == []


def test_consent_to_it_is_kept_by_itself(watching: Bench) -> None:
    watching.enroll("u_1", face="ann", agrees=True)
    export = watching.services.users.export(watching.key, "u_1")
    consents = export["consents"]
    assert isinstance(consents, list)
    assert WORDING in {consent["text_version"] for consent in consents}


def test_where_nobody_can_look_everybody_enrols(
    watching: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(template: Template, others: object) -> tuple[int, ...]:
        raise Unavailable("the biometric worker does not answer")

    monkeypatch.setattr(watching.faces, "look_alikes", gone)
    watching.enroll("u_1", face="ann", agrees=True)
    watching.enroll("u_2", face="ann", agrees=True)
    assert alerts(watching) == []
    assert "look-alikes were not searched for" in caplog.text


def test_by_default_nobody_is_asked_and_nobody_compared(bench: Bench) -> None:
    bench.enroll("u_1", face="ann", agrees=True)
    bench.enroll("u_2", face="ann", agrees=True)
    assert alerts(bench) == []


def test_on_either_store_only_those_who_agreed_are_found(bench: Bench) -> None:
    watching = Bench(replace(bench.settings, look_alikes=True))
    try:
        watching.enroll("v_1", face="ann", agrees=True)
        watching.enroll("v_2", face="ann")
        watching.enroll("v_3", face="ann", agrees=True)
        assert alerts(watching) == [("v_3", ["v_1"])]
    finally:
        watching.close()
