"""The pages of an enrollment without a browser: what was said to consent, what of a recovery is known, what is shown once."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.enrollment.directed import ORIGIN, DirectedApi

AGREED = [{"modality": "face", "text_version": "2026-12", "given_at": "2026-10-01T08:00:00.000Z"}]
CONSENT = {"text_version": "2026-12", "modalities": ["face", "voice"], "agreed": AGREED}
LOST = {
    "offered": ["recovery", "proof_otp"],
    "recovery": {"proven": False, "operators": 0, "attempts_remaining": 4},
}


@pytest.fixture
def person(stranger: FlaskClient, api: DirectedApi) -> FlaskClient:
    """A browser that came from the shop to enroll."""
    api.answers["POST /steps/consent/begin"] = (200, CONSENT)
    stranger.post("/e/enr_1", base_url=ORIGIN, data={"token": "ct_good"})
    return stranger


def submit(person: FlaskClient, page: str, action: str, **fields: str) -> Any:
    shown = person.get(f"/e/enr_1{page}", base_url=ORIGIN).text
    key = shown.split('name="form_key" value="')[1].split('"')[0]
    return person.post(f"/e/enr_1{action}", base_url=ORIGIN, data={"form_key": key, **fields})


def test_what_was_agreed_to_earlier_is_shown_to_be_kept_or_withdrawn(person: FlaskClient):
    page = person.get("/e/enr_1/consent", base_url=ORIGIN).text
    face, voice = page.split("<fieldset")[1:]
    assert "2026年10月1日" in face
    assert "保留同意" in face
    assert "撤回同意" in face
    assert "2026年10月1日" not in voice
    assert "不同意" in voice


@pytest.mark.parametrize(
    ("face", "voice", "agreed", "refused"),
    [
        ("yes", "no", ["face"], ["voice"]),
        ("no", "no", [], ["face", "voice"]),
        ("yes", "yes", ["face", "voice"], []),
    ],
)
def test_a_no_is_sent_as_a_no(
    person: FlaskClient, api: DirectedApi, face: str, voice: str, agreed: list[str], refused: list[str]
):
    assert submit(person, "/consent", "/consent", face=face, voice=voice).status_code == 303
    at = api.asked.index("PUT /v1/enrollments/enr_1/steps/consent")
    said = json.loads(api.bodies[at])
    assert (said["modalities"], said["refused"]) == (agreed, refused)


def test_a_walk_is_asked_about_apart_and_its_page_alone_may_use_the_motion_sensors(
    person: FlaskClient, api: DirectedApi
):
    api.answers["POST /steps/consent/begin"] = (
        200,
        {**CONSENT, "gait": {"text_version": "2026-12", "agreed_at": None}},
    )
    api.enrollment["gait"] = {"offered": True, "consented": False, "received": False}
    consent = person.get("/e/enr_1/consent", base_url=ORIGIN)
    assert "步态不能用于确认付款" in consent.text
    assert "accelerometer=()" in consent.headers["Permissions-Policy"]
    assert person.get("/e/enr_1/gait", base_url=ORIGIN).location.endswith("/consent")
    submit(person, "/consent", "/consent", face="yes", voice="no", gait="yes")
    said = json.loads(api.bodies[api.asked.index("PUT /v1/enrollments/enr_1/steps/consent")])
    assert (said["modalities"], said["refused"]) == (["face", "gait"], ["voice"])
    api.enrollment["gait"]["consented"] = True
    page = person.get("/e/enr_1/gait", base_url=ORIGIN)
    assert "录制步态" in page.text
    assert "accelerometer=(self), gyroscope=(self)" in page.headers["Permissions-Policy"]


def test_a_recovery_code_that_was_typed_is_not_called_done(person: FlaskClient, api: DirectedApi):
    api.enrollment |= {**LOST, "received": ["recovery"]}
    page = person.get("/e/enr_1", base_url=ORIGIN).text
    assert "已填写，待核验" in page
    assert "已完成" not in page
    assert "您可重新填写恢复码" in page


def test_recovery_codes_can_be_printed_copied_and_saved(person: FlaskClient, api: DirectedApi):
    api.enrollment["received"] = ["device"]
    done = {
        "status": "completed",
        "factors": [],
        "recovery_codes": ["ABCD-EFGH-JKLM-NPQR"],
        "return_url": None,
    }
    api.answers["POST /complete"] = (200, done)
    page = submit(person, "", "/finish").text
    for control in ('id="print"', 'id="copy"', 'id="save"', 'data-file="恢复码.txt"'):
        assert control in page
