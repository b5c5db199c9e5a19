"""What people can meet on the pages for payers, state by state: an API that is put into each of them, and a page to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.stage import after, served
from tests.enrollment.directed import DEVICE, SHOP, DirectedApi

Change = Callable[[DirectedApi], object]
Look = Callable[[Page, str], Iterable[str]]
"""What is wrong with a page of this name."""

CHALLENGE, ENROLLMENT, OVERVIEW = "/c/chl_1", "/e/enr_1", "/o/ovw_1"
ENDS = ("authenticated", "failed", "declined_by_user", "expired", "cancelled", "denied", "not_possible")
FAILURES: Mapping[str, int] = {
    "unauthenticated": 401,
    "challenge-closed": 409,
    "payload-too-large": 413,
    "locked": 423,
    "rate-limited": 429,
    "unavailable": 503,
    "user-frozen": 403,
    "proof-required": 403,
    "not-found": 404,
    "internal-error": 500,
}
RECOVERY = {"proven": False, "operators": 0, "attempts_remaining": 4}


class Tour:
    """One language, one browser: puts the API into a state, opens a page, and looks at it."""

    def __init__(self, context: BrowserContext, port: int, api: DirectedApi, look: Look) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(15_000)
        self.faults: list[str] = []
        self._look = look
        self._context = context
        self._api = api
        self._origin = f"http://localhost:{port}"
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def see(
        self, name: str, path: str, *changes: Change, does: Callable[[Page], object] | None = None
    ) -> None:
        """Look at a page; `does` is what the person does there first."""
        self.open(path, *changes)
        if does is not None:
            does(self.page)
        if "-done" in name and self.page.locator("#this-did-not-work").count():
            self.faults.append(f"{name}: shows a failure")
        self.faults += self._look(self.page, name)

    def open(self, path: str, *changes: Change) -> None:
        """Nobody looks at it yet."""
        self._begin_anew(path)
        for change in changes:
            change(self._api)
        self.page.goto(self._origin + path)

    def _begin_anew(self, path: str) -> None:
        fresh = DirectedApi()
        for part in ("challenge", "enrollment", "overview"):
            getattr(fresh, part)["expires_at"] = after(timedelta(minutes=5))
        self._api.__dict__.update(fresh.__dict__)
        handed = "/".join(path.partition("?")[0].split("/")[:3])
        self._context.request.post(self._origin + handed, form={"token": self._api.token})


@contextmanager
def toured(browser: Browser, locale: str, look: Look) -> Iterator[Tour]:
    """A tour of one language."""
    api = DirectedApi()
    context = browser.new_context(
        locale=locale, viewport={"width": 390, "height": 844}, timezone_id="Asia/Shanghai"
    )
    with served(api) as port:
        yield Tour(context, port, api, look)
        context.close()


def challenge(**fields: Any) -> Change:
    return lambda api: api.challenge.update(fields)


def enrollment(**fields: Any) -> Change:
    return lambda api: api.enrollment.update(fields)


def overview(**fields: Any) -> Change:
    return lambda api: api.overview.update(fields)


def answers(call: str, **body: Any) -> Change:
    return lambda api: api.answers.update({call: (200, body)})


def refuses(call: str, slug: str, **extra: Any) -> Change:
    return lambda api: api.refuse(call, FAILURES.get(slug, 422), slug, **extra)


def ends(tour: Tour) -> None:
    """How a challenge can end."""
    for status in ENDS:
        tour.see(f"end-{status}", CHALLENGE, challenge(status=status))
    tour.see("end-without-a-shop", CHALLENGE, challenge(status="authenticated", return_url=None))


def failures(tour: Tour) -> None:
    """What the service can say instead."""
    for slug in FAILURES:
        tour.see(f"failure-{slug}", CHALLENGE, refuses("GET ", slug, retry_after=30))
    tour.see("failure-no-such-page", CHALLENGE + "/nothing")


def confirming(tour: Tour) -> None:
    """The steps of a challenge."""
    act = {"type": "enrollment", "amount_minor": 0, "currency": "XXX", "payee": {"name": "友谊商店"}}
    long = {"type": "payment", "amount_minor": 123456789012, "currency": "CNY"} | {
        "payee": {"name": "中国北京市朝阳区友谊商店进出口贸易股份有限公司第一营业部"}
    }
    tour.see("step-code-of-two", CHALLENGE, challenge(chosen=["device_uv", "otp"], received=["device_uv"]))
    tour.see("step-device", CHALLENGE, challenge(chosen=["device_uv"]))
    tour.see("step-all-received", CHALLENGE, challenge(received=["otp"]))
    tour.see("step-last-attempt", CHALLENGE + "?again=1", challenge(attempts_remaining=1))
    tour.see("step-account-act", CHALLENGE, challenge(payment=act))
    tour.see("step-erasure", CHALLENGE, challenge(payment={**act, "type": "erasure"}))
    tour.see("step-large-and-long", CHALLENGE, challenge(payment=long))
    tour.see("step-not-a-code", CHALLENGE, refuses("PUT /steps/otp", "invalid-request"), does=_type_code)
    why = {"merchant_name": "友谊商店", "why": ["device", "amount", "unusual", "wished"]}
    tour.see(
        "step-why", CHALLENGE, challenge(**why, sets=[["otp"], ["face", "device_uv"], ["device_uv", "otp"]])
    )
    tour.see("step-time-short", CHALLENGE, challenge(expires_at=after(timedelta(seconds=40))))


def enrolling(tour: Tour) -> None:
    """The steps of an enrollment, and of a recovery."""
    lost = {"offered": ["recovery", "proof_face", "proof_otp"], "recovery": RECOVERY}
    consent = answers("POST /steps/consent/begin", text_version="2026-12", modalities=["face", "voice"],
                      gait={"text_version": "2026-12", "agreed_at": None})  # fmt: skip
    begun = answers("POST /steps/otp/begin", secret="JBSWY3DPEHPK3PXP", uri="otpauth://totp/x", qr_svg=_QR)
    device = {"offered": ["consent", "device", "otp", "face"], "received": ["consent"]}
    tour.see("enroll-start", ENROLLMENT)
    tour.see("enroll-consent", ENROLLMENT + "/consent", consent)
    tour.see("enroll-child", ENROLLMENT + "/consent", consent, does=_a_child_alone)
    tour.see("enroll-device", ENROLLMENT + "/device", enrollment(**device))
    tour.see("enroll-device-without-key", ENROLLMENT + "/device", enrollment(**device), does=_open_without)
    tour.see("enroll-app", ENROLLMENT + "/otp", begun, enrollment(**device))
    tour.see(
        "enroll-app-wrong",
        ENROLLMENT + "/otp",
        begun,
        refuses("PUT /steps/otp", "challenge-failed"),
        does=_type_code,
    )
    tour.see("enroll-finish", ENROLLMENT, enrollment(received=["consent", "device", "otp"]))
    ended = {"status": "completed", "factors": ["otp"]}
    done = answers("POST /complete", **ended, recovery_codes=_CODES, return_url=SHOP)
    tour.see("enroll-done", ENROLLMENT, enrollment(received=["device", "otp"]), done, does=_press)
    bare = answers("POST /complete", **ended, recovery_codes=[], return_url=None)
    tour.see(
        "enroll-done-no-codes",
        ENROLLMENT,
        enrollment(received=["device"], return_url=None),
        bare,
        does=_press,
    )
    tour.see("enroll-over", ENROLLMENT, refuses("GET ", "challenge-closed"))
    tour.see(
        "enroll-replaced",
        ENROLLMENT,
        enrollment(received=["otp"]),
        refuses("POST /complete", "proof-required"),
        does=_press,
    )
    tour.see("lost-start", ENROLLMENT, enrollment(**lost))
    tour.see("lost-code", ENROLLMENT + "/recovery", enrollment(**lost))
    tour.see("lost-second", ENROLLMENT, enrollment(**lost, received=["recovery"]))
    tour.see("lost-one-time-code", ENROLLMENT + "/proof_otp", enrollment(**lost, received=["recovery"]))
    operators = {**lost, "offered": ["recovery"], "recovery": {**RECOVERY, "operators": 2}}
    tour.see("lost-operators", ENROLLMENT, enrollment(**operators))
    tour.see("lost-refused", ENROLLMENT + "/proof_otp", enrollment(**lost, received=["recovery"]),
             refuses("PUT /steps/proof_otp", "challenge-failed"), does=_type_code)  # fmt: skip


def looking_after(tour: Tour) -> None:
    """An overview, and the way to an erasure."""
    later = after(timedelta(days=3))
    new = {
        **DEVICE,
        "id": "dev_2",
        "name": "新手机",
        "probation": True,
        "trusted_from": later,
        "synced": True,
    }
    gone = {**DEVICE, "id": "dev_3", "name": "旧平板", "state": "suspended", "looks_like": "Windows Hello"}
    user = DirectedApi().overview["user"]
    tour.see("overview", OVERVIEW, overview(devices=[DEVICE, new, gone]))
    at = tour.page.locator("time").first
    assert "16:00" in at.inner_text()
    assert "UTC" in str(at.get_attribute("title"))
    tour.see("overview-unfolded", OVERVIEW, overview(devices=[DEVICE, new]), does=_unfold)
    tour.see("overview-empty", OVERVIEW, overview(devices=[], consents=[], return_url=None))
    tour.see("overview-frozen", OVERVIEW, overview(user={**user, "status": "frozen", "verify_always": True}))
    tour.see("overview-over", OVERVIEW, refuses("GET ", "challenge-closed"))
    nothing = answers("GET /erasure", status=None, challenge=None)
    proved = answers("GET /erasure", status="authenticated", challenge=None)
    erased = answers("POST /erasure/complete", user_id="u_1", erased_at="2026-11-23T12:00:00.000Z", return_url=None,
                     audit={"chain": "a1b2c3d4-1", "seq": 42}, receipt="eyJhbGciOiJFUzI1NiJ9." + "x" * 300)  # fmt: skip
    tour.see("erase-start", OVERVIEW + "/erasure", nothing)
    tour.see("erase-impossible", OVERVIEW + "/erasure?impossible=1", nothing)
    tour.see("erase-proved", OVERVIEW + "/erasure", proved)
    tour.see("erased", OVERVIEW + "/erasure", proved, erased, does=lambda page: page.click("#erase"))


def before_a_camera(tour: Tour) -> None:
    """What a camera's page says when it cannot go on."""
    face = challenge(chosen=["face"], sets=[["face"], ["device_uv", "otp"]])
    hints = [{"code": code, "text": ""} for code in ("too_dark", "several_faces", "too_small")]
    tour.page.add_init_script(_MEDIA_FAILS)
    tour.see("camera-blocked", CHALLENGE, face, does=lambda page: _turn_on(page, "NotAllowedError"))
    tour.see("camera-absent", CHALLENGE, face, does=lambda page: _turn_on(page, "NotFoundError"))
    unusable = refuses("PUT /steps/face", "capture-unusable", hints=hints)
    begun = answers("POST /steps/face/begin", nonce="n", gestures=[])
    tour.see("camera-hints", CHALLENGE, face, begun, unusable, does=_record)


EVERY: tuple[Callable[[Tour], None], ...] = (
    ends,
    failures,
    confirming,
    enrolling,
    looking_after,
    before_a_camera,
)


_QR = '<svg viewBox="0 0 29 29" xmlns="http://www.w3.org/2000/svg"><path d="M4 4h7v7H4zM18 4h7v7h-7zM4 18h7v7H4z"/></svg>'
_CODES = [f"ABCD-EFGH-JKLM-{number:04d}" for number in range(10)]
_MEDIA_FAILS = """
const works = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wanted) =>
  window.failing ? Promise.reject(new DOMException("", window.failing)) : works(wanted);
"""


def _type_code(page: Page) -> None:
    page.fill("#code", "123456")
    page.click("form:has(#code) button.button")


def _open_without(page: Page) -> None:
    page.click("#without summary")


def _press(page: Page) -> None:
    page.click("main form button.button")


def _a_child_alone(page: Page) -> None:
    page.click("details.minor summary")
    page.check("input[name=under_14]")
    for modality in ("face", "voice", "gait"):
        page.check(f"input[name={modality}][value=yes]")
    page.click("main button.button")
    page.wait_for_selector("[role=alert]")


def _unfold(page: Page) -> None:
    for summary in page.locator("summary").all():
        summary.click()


def _turn_on(page: Page, failing: str) -> None:
    page.evaluate("(name) => { window.failing = name; }", failing)
    page.click("#start")
    page.wait_for_selector("#start:enabled")


def _record(page: Page) -> None:
    page.click("#start")
    page.click("#record")
    page.wait_for_selector("#hints li", timeout=30_000)
