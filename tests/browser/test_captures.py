"""What the capture pages record and send, and what they do without a camera, without a script, or when the time is over.

The pages are real, and so is the browser; the API behind them is one that the test directs.
"""

from __future__ import annotations

import base64
import itertools
import json
import wave
from array import array
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect
from werkzeug.formparser import MultiPartParser

from tests.browser.inspection import inspect
from tests.browser.stage import after, served
from tests.enrollment.directed import DirectedApi

GESTURES = ["left", "up", "right"]


class Stage:
    """One page over a directed API."""

    def __init__(self, browser: Browser, api: DirectedApi, port: int, **context: Any) -> None:
        self.api = api
        self.context = browser.new_context(locale="en-GB", **context)
        self.page: Page = self.context.new_page()
        self.origin = f"http://localhost:{port}"

    def arrive(self) -> None:
        """As from the shop, by a form."""
        self.context.request.post(f"{self.origin}/c/chl_1", form={"token": self.api.token})
        self.page.goto(f"{self.origin}/c/chl_1")

    def sent(self, step: str) -> tuple[dict[str, str], list[bytes]]:
        """The fields and files of the multipart body that was handed in."""
        return self.sent_all(step)[0]

    def sent_all(self, step: str) -> list[tuple[dict[str, str], list[bytes]]]:
        """The same for each time that something was handed in."""
        call = f"PUT /v1/challenges/chl_1/steps/{step}"
        bodies = [body for asked, body in zip(self.api.asked, self.api.bodies, strict=True) if asked == call]
        return [_parsed(body) for body in bodies]


@pytest.fixture
def api() -> DirectedApi:
    api = DirectedApi()
    api.challenge["expires_at"] = after(timedelta(minutes=5))
    return api


@pytest.fixture
def stage(browser_seeing: Callable[[str], Browser], api: DirectedApi) -> Iterator[Callable[..., Stage]]:
    stages: list[Stage] = []
    with served(api) as port:

        def open_stage(**context: Any) -> Stage:
            stages.append(Stage(browser_seeing("obama/1.jpg"), api, port, **context))
            return stages[-1]

        yield open_stage
        for each in stages:
            each.context.close()


def shown(part: int) -> dict[str, Any]:
    """What the API shows of a part of this number."""
    return {
        "nonce": f"n0nce{part}",
        "gestures": [GESTURES[part - 1]],
        "part": part,
        "parts": len(GESTURES),
        "can_swap": True,
        "pause_ms": 300,
    }


def asks_gestures(api: DirectedApi) -> None:
    api.challenge["chosen"] = ["face"]
    api.answers["POST /steps/face/begin"] = (200, shown(1))
    api.first["PUT /steps/face"] = [{"state": "more", **shown(2)}, {"state": "more", **shown(3)}]


def test_a_face_is_whole_frames_without_a_hole_part_by_part(stage: Callable[..., Stage], api: DirectedApi):
    asks_gestures(api)
    one = stage(viewport={"width": 390, "height": 844})
    one.arrive()
    one.page.evaluate(_NOTE_WHAT_IS_SAID)
    one.page.click("#start")
    one.page.click("#record")
    one.page.wait_for_function("() => document.querySelectorAll('.ticks .is-done').length === 2")
    # The last part waits until the page was looked at, however long that takes.
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    one.page.route("**/steps/face", hold)
    assert inspect(one.page, "pay-8-face-gesture") == []
    # The picture stays where it is, whatever the next sentence is.
    assert one.page.evaluate(_PLACES_OF_THE_LENS) == 1
    one.page.unroute("**/steps/face")
    for route in held:
        route.continue_()
    one.page.wait_for_url(lambda address: "go-on" in address or address.endswith("chl_1"), timeout=30_000)
    one.page.wait_for_function("() => !document.querySelector('.is-on')", timeout=30_000)
    parts = one.sent_all("face")
    assert [fields["nonce"] for fields, _ in parts] == ["n0nce1", "n0nce2", "n0nce3"]
    times: list[int] = []
    for fields, frames in parts:
        meta = json.loads(fields["meta"])
        assert 10 <= len(frames) == len(meta["taken_at_ms"]) <= 30
        assert meta["prompted_at_ms"] < meta["sent_at_ms"]
        times += meta["taken_at_ms"]
        for frame in frames:
            with Image.open(BytesIO(frame)) as picture:
                assert (picture.format, picture.size) == ("JPEG", (640, 480))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) > 0
    # A quarter of a second on a machine with nothing else to do.
    assert max(gaps) <= 1000


def test_a_key_of_the_phone_signs_what_was_recorded_where_that_is_asked(
    stage: Callable[..., Stage], api: DirectedApi
):
    api.challenge |= {
        "sets": [["face"]],
        "chosen": ["face"],
        "received": ["face"],
        "capture_at_least": ["device_signed"],
    }
    options = {
        "challenge": "AAAA",
        "rpId": "localhost",
        "userVerification": "discouraged",
        "allowCredentials": [],
    }
    api.answers["POST /steps/face/statement/begin"] = (200, {"publicKey": options})
    one = stage(viewport={"width": 320, "height": 568})
    one.page.add_init_script(_SIGNS)
    one.arrive()
    assert inspect(one.page, "pay-9-statement") == []
    one.page.click("#start")
    one.page.wait_for_url("**/c/chl_1")
    one.page.wait_for_function("() => document.querySelector('#start:not(:disabled)')")
    stated = api.asked.index("PUT /v1/challenges/chl_1/steps/face/statement")
    assert json.loads(api.bodies[stated]) == {
        "format": "webauthn",
        "statement": {"response": {"clientDataJSON": "e30"}},
    }
    assert "POST /v1/challenges/chl_1/complete" in api.asked[stated:]


def test_gestures_are_asked_for_one_after_the_other(stage: Callable[..., Stage], api: DirectedApi):
    asks_gestures(api)
    api.refuse("PUT /steps/face", 422, "capture-unusable", hints=[{"code": "too_dark", "text": "光线太暗"}])
    one = stage(reduced_motion="reduce")
    one.arrive()
    one.page.evaluate(_NOTE_WHAT_IS_SAID)
    one.page.click("#start")
    one.page.click("#record")
    one.page.wait_for_selector("#hints li", timeout=30_000)
    said = one.page.evaluate("window.said")
    asked = ["Turn your head to your left", "Lift your chin", "Turn your head to your right"]
    assert [each for each in said if each in asked] == asked
    assert one.page.inner_text("#hints") == "It is too dark. Turn towards a light."
    assert one.page.locator("#record").is_enabled()


def test_it_begins_by_itself_and_stops_when_it_is_told_to(stage: Callable[..., Stage], api: DirectedApi):
    asks_gestures(api)
    one = stage()
    one.arrive()
    one.page.click("#start")
    one.page.wait_for_function("() => document.getElementById('say').textContent.startsWith('Turn')")
    one.page.keyboard.press("Escape")
    one.page.wait_for_selector("#start:enabled")
    assert one.page.locator(".is-on").count() == 0


def test_a_gesture_that_cannot_be_done_is_swapped_by_a_button(stage: Callable[..., Stage], api: DirectedApi):
    asks_gestures(api)
    one = stage()
    one.arrive()
    one.page.click("#start")
    one.page.click("#record")
    one.page.click("#swap")
    one.page.wait_for_function("() => document.getElementById('say').textContent.endsWith('your right')")
    meta = [json.loads(fields["meta"]) for fields, _ in one.sent_all("face")]
    assert [each.get("swap") for each in meta[:2]] == [True, None]


def test_a_voice_is_one_channel_of_sixteen_kilohertz(stage: Callable[..., Stage], api: DirectedApi):
    api.challenge["chosen"] = ["voice"]
    begun = {"nonce": "n0nce", "digits": "402917", "language": "zh-CN"}
    api.answers["POST /steps/voice/begin"] = (200, begun)
    one = stage()
    one.arrive()
    one.page.click("#start")
    one.page.wait_for_selector("#digits:visible")
    assert one.page.locator("#digits").text_content() == "4四0零2二9九1一7七"
    one.page.wait_for_timeout(1500)
    assert inspect(one.page, "pay-9-voice") == []
    with one.page.expect_response(lambda answer: answer.request.method == "PUT"):
        one.page.click("#stop")
    fields, [sound] = one.sent("voice")
    with wave.open(BytesIO(sound)) as recording:
        assert (recording.getnchannels(), recording.getframerate(), recording.getsampwidth()) == (1, 16000, 2)
        assert 1.0 < recording.getnframes() / 16000 < 15.0
        assert any(recording.readframes(recording.getnframes()))
    settings = json.loads(fields["meta"])["settings"]
    assert not any(settings.get(name) for name in ("echoCancellation", "noiseSuppression", "autoGainControl"))
    assert "deviceId" not in settings


def test_a_blocked_camera_is_explained(stage: Callable[..., Stage], api: DirectedApi):
    api.challenge["chosen"] = ["face"]
    one = stage()
    one.page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); }"
    )
    one.arrive()
    one.page.click("#start")
    assert "The camera is blocked" in one.page.inner_text("#say")
    assert one.page.locator("#start").is_enabled()


def test_what_the_authenticator_declines_is_explained(stage: Callable[..., Stage], api: DirectedApi):
    api.challenge["chosen"] = ["device_uv"]
    options = {
        "challenge": "AAAA",
        "rpId": "localhost",
        "userVerification": "required",
        "allowCredentials": [],
    }
    api.answers["POST /steps/device_uv/begin"] = (200, {"publicKey": options})
    one = stage()
    one.page.add_init_script(
        "navigator.credentials.get = async () => { throw new DOMException('', 'NotAllowedError'); }"
    )
    one.arrive()
    one.page.click("#start")
    one.page.wait_for_function("() => document.getElementById('say').textContent.startsWith('Nothing')")
    assert one.page.locator("#start").is_enabled()


def test_a_code_is_typed_without_any_script(stage: Callable[..., Stage], api: DirectedApi):
    one = stage(java_script_enabled=False)
    one.arrive()
    one.page.fill("#code", "123456")
    api.challenge["received"] = ["otp"]
    one.page.click("form button.button")
    assert "POST /v1/challenges/chl_1/complete" in api.asked


def test_the_page_turns_when_the_time_is_over(stage: Callable[..., Stage], api: DirectedApi):
    api.challenge["expires_at"] = after(timedelta(seconds=1))
    one = stage()
    one.arrive()
    api.challenge["status"] = "expired"
    one.page.wait_for_selector("#return")
    assert "The time ran out" in one.page.inner_text("main")


def test_everything_is_reached_by_keyboard(stage: Callable[..., Stage], api: DirectedApi):
    one = stage()
    one.arrive()
    one.page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(9):
        one.page.keyboard.press("Tab")
        reached.append(one.page.evaluate("document.activeElement.innerText || document.activeElement.id"))
    for name in (
        "Skip to the content",
        "中文",
        "code",
        "Confirm",
        "Screen lock of this device",
        "Cancel",
        "This is not me",
    ):
        assert name in reached


_SIGNS = """
navigator.credentials.get = async () => ({ toJSON: () => ({ response: { clientDataJSON: "e30" } }) });
"""

_PLACES_OF_THE_LENS = """() => {
  const [say, lens] = ["say", "lens"].map((id) => document.getElementById(id));
  const said = say.textContent;
  const places = ["Smile", "Tilt your head towards your right shoulder"].map((text) => {
    say.textContent = text;
    return JSON.stringify(lens.getBoundingClientRect());
  });
  say.textContent = said;
  return new Set(places).size;
}"""

_NOTE_WHAT_IS_SAID = """() => {
  window.said = [];
  const say = document.getElementById("say");
  new MutationObserver(() => window.said.push(say.textContent)).observe(say, { childList: true });
}"""


def _parsed(body: bytes) -> tuple[dict[str, str], list[bytes]]:
    boundary = body[2 : body.index(b"\r\n")]
    form, files = MultiPartParser(stream_factory=_in_memory).parse(BytesIO(body), boundary, len(body))
    return form.to_dict(), [each.read() for _, each in files.items(multi=True)]


def _in_memory(*_: object, **__: object) -> BytesIO:
    return BytesIO()


_WALKING = """
let number = 0;
setInterval(() => {
  const felt = { x: Math.sin(number / 8) * 9.80665, y: 0, z: 9.80665 };
  number += 1;
  window.dispatchEvent(new DeviceMotionEvent("devicemotion", { accelerationIncludingGravity: felt }));
}, 20);
"""


def _to_walk(one: Stage, api: DirectedApi) -> None:
    api.enrollment["gait"] = {"offered": True, "consented": True, "received": False}
    api.answers["POST /steps/gait/begin"] = (200, {"nonce": "n0nce", "seconds": 1})
    one.context.request.post(f"{one.origin}/e/enr_1", form={"token": api.token})
    one.page.goto(f"{one.origin}/e/enr_1/gait")


def test_a_walk_is_recorded_from_the_pocket_on_and_sent_in_thousandths_of_gravity(
    stage: Callable[..., Stage], api: DirectedApi
):
    one = stage()
    one.page.add_init_script(_WALKING)
    _to_walk(one, api)
    assert inspect(one.page, "enroll-walk") == []
    with one.page.expect_response(lambda answer: answer.request.method == "PUT"):
        one.page.click("#start")
        expect(one.page.locator("#say")).to_contain_text("into your pocket")
    body = json.loads(api.bodies[api.asked.index("PUT /v1/enrollments/enr_1/steps/gait")])
    assert body["nonce"] == "n0nce"
    numbers = array("h", base64.b64decode(body["samples"]))
    assert 0.5 < len(numbers) / 3 / body["rate"] < 2
    assert set(numbers[1::3]) == {0}
    assert set(numbers[2::3]) == {1_000}
    assert 900 < max(numbers[0::3]) <= 1_000


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("DeviceMotionEvent.requestPermission = async () => 'denied'", "motion sensors are blocked"),
        (
            "DeviceMotionEvent.requestPermission = async () => { throw new Error('no gesture'); }",
            "are blocked",
        ),
    ],
)
def test_who_may_not_use_the_sensors_is_told_and_nothing_is_begun(
    stage: Callable[..., Stage], api: DirectedApi, about: str, said: str
):
    one = stage()
    one.page.add_init_script(about)
    _to_walk(one, api)
    one.page.click("#start")
    expect(one.page.locator("#say")).to_contain_text(said)
    assert "POST /v1/enrollments/enr_1/steps/gait/begin" not in api.asked
    expect(one.page.locator("#start")).to_be_focused()
