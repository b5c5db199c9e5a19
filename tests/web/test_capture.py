"""Pictures and sound: bounded before they are read, in memory alone, and refused where the form is no capture."""

import io
import tempfile
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from authsvc.factor import Submission
from authsvc.web import capture
from authsvc.web.body import JSON_BYTES
from tests.web.support import CHALLENGE_ID, PAYER, Api, FakeServices, slug

FACE = f"/v1/challenges/{CHALLENGE_ID}/steps/face"
VOICE = f"/v1/challenges/{CHALLENGE_ID}/steps/voice"


def frame(content: bytes = b"\xff\xd8picture") -> FileStorage:
    return FileStorage(io.BytesIO(content), "1.jpg", content_type="image/jpeg")


def form(data: dict[str, Any]) -> dict[str, Any]:
    """A multipart body, written in memory: the test client would use a file."""
    for each in data.get("frame", []) if isinstance(data.get("frame"), list) else data.values():
        if isinstance(each, FileStorage):
            each.stream.seek(0)  # Parameters of a test are made once.
    boundary, body = encode_multipart(data, "boundary")
    return {"data": body, "content_type": f"multipart/form-data; boundary={boundary}"}


def test_frames_nonce_and_meta_arrive_in_order_and_in_memory(
    api: Api, fake: FakeServices, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a capture must not touch the disk")

    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse)
    fake.on("challenges.take_step", {"state": "received"})
    pictures = [bytes([number]) * 700_000 for number in range(1, 4)]
    data = {"frame": [frame(each) for each in pictures], "nonce": "n1", "meta": '{"taken_at_ms": [1, 2, 3]}'}
    answer = api.put(FACE, headers=PAYER, **form(data))
    assert answer.get_json() == {"state": "received"}
    ((_, token, factor, submission),) = fake.calls_of("challenges.take_step")
    assert (token, factor) == (PAYER["Authorization"].split()[1], "face")
    assert submission == Submission(
        {"nonce": "n1", "meta": {"taken_at_ms": [1, 2, 3]}}, {"frame": tuple(pictures)}
    )


def test_meta_may_be_left_out(api: Api, fake: FakeServices):
    fake.on("challenges.take_step", {"state": "received"})
    assert api.put(FACE, headers=PAYER, **form({"frame": frame(), "nonce": "n1"})).status_code == 200
    assert fake.calls_of("challenges.take_step")[0][3].fields == {"nonce": "n1", "meta": {}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"nonce": "n1"}, "invalid-request"),
        ({"frame": frame()}, "invalid-request"),
        ({"frame": [frame() for _ in range(61)], "nonce": "n1"}, "invalid-request"),
        ({"frame": [frame() for _ in range(80)], "nonce": "n1"}, "payload-too-large"),
        ({"frame": frame(b""), "nonce": "n1"}, "invalid-request"),
        ({"frame": frame(), "nonce": "n1", "extra": "x"}, "invalid-request"),
        ({"frame": frame(), "picture": frame(), "nonce": "n1"}, "invalid-request"),
        ({"frame": frame(), "nonce": ["n1", "n2"]}, "invalid-request"),
        ({"frame": frame(), "nonce": "n 1"}, "invalid-request"),
        ({"frame": frame(), "nonce": "n1", "meta": "{"}, "invalid-request"),
        ({"frame": frame(), "nonce": "n1", "meta": "[]"}, "invalid-request"),
        ({"frame": frame(), "nonce": "n1", "meta": '{"a": 1, "a": 2}'}, "invalid-request"),
        ({"frame": frame(), "nonce": "n1", "meta": '{"a": "\\ud800"}'}, "invalid-request"),
        ({"frame": frame(), "nonce": "n1", "meta": '{"a":' * 17 + "1" + "}" * 17}, "invalid-request"),
        ({"frame": frame(), "nonce": "n1", "meta": '{"a": "' + "x" * JSON_BYTES + '"}'}, "payload-too-large"),
        ({"frame": frame(b"x" * (capture.FRAMES.largest_file + 1)), "nonce": "n1"}, "payload-too-large"),
    ],
)
def test_a_form_that_is_no_capture_is_refused(
    api: Api, fake: FakeServices, data: dict[str, object], expected: str
):
    assert slug(api.put(FACE, headers=PAYER, **form(data))) == expected
    assert not fake.asked


@pytest.mark.parametrize(("path", "most"), [(FACE, capture.FRAMES), (VOICE, capture.AUDIO)])
def test_a_capture_past_its_limit_is_refused_by_its_announced_length(
    api: Api, path: str, most: capture.CaptureBody
):
    answer = api.put(
        path,
        input_stream=io.BytesIO(b""),
        content_type="multipart/form-data; boundary=x",
        headers=PAYER,
        environ_overrides={"CONTENT_LENGTH": str(most.largest_body + 1)},
    )
    assert slug(answer) == "payload-too-large"


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "b" * 71],
)
def test_a_form_needs_a_usable_boundary(api: Api, content_type: str):
    assert slug(api.put(FACE, data=b"x", content_type=content_type, headers=PAYER)) == "invalid-request"


@pytest.mark.parametrize(
    "raw", [b"", b"--b", b"--b\r\n\r\n", b"nothing", b"--b\r\nContent-Disposition: x\r\n\r\n\r\n--b--"]
)
def test_a_broken_form_is_refused(api: Api, raw: bytes):
    answer = api.put(FACE, data=raw, content_type="multipart/form-data; boundary=b", headers=PAYER)
    assert slug(answer) == "invalid-request"


def test_a_capture_is_no_json_and_a_code_is_no_form(api: Api):
    assert slug(api.put(FACE, json={"nonce": "n1"}, headers=PAYER)) == "unsupported-media"
    otp = f"/v1/challenges/{CHALLENGE_ID}/steps/otp"
    assert slug(api.put(otp, data={"code": "123456"}, headers=PAYER)) == "unsupported-media"
