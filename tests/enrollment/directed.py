"""An API of one challenge, one enrollment and one overview that a test directs: what it says, refuses, and was asked."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ORIGIN = "https://pay.example"
SHOP = "https://shop.example/orders/1"

CHALLENGE: dict[str, Any] = {
    "id": "chl_1",
    "status": "challenge_required",
    "payment": {"amount_minor": 125000, "currency": "CNY", "payee": {"name": "友谊商店"}, "type": "payment"},
    "sets": [["otp"], ["device_uv"]],
    "capture_at_least": ["browser", "browser"],
    "chosen": ["otp"],
    "received": [],
    "attempts_remaining": 3,
    "expires_at": "2026-11-23T12:05:00.000Z",
    "locale": "zh-CN",
    "return_url": SHOP,
    "warning": None,
    "can_freeze": False,
    "frozen": False,
    "declined": None,
    "device_suspended": False,
    "suspended_device": None,
}
ENROLLMENT: dict[str, Any] = {
    "id": "enr_1",
    "user_id": "u_1",
    "locale": "zh-CN",
    "offered": ["consent", "device", "otp", "face"],
    "received": [],
    "consented": [],
    "gait": {"offered": False, "consented": False, "received": False},
    "recovery": None,
    "return_url": SHOP,
    "expires_at": "2026-11-23T12:15:00.000Z",
}
DEVICE: dict[str, Any] = {
    "id": "dev_1",
    "name": "我的手机",
    "state": "active",
    "probation": False,
    "created_at": "2026-10-01T08:00:00.000Z",
    "trusted_from": "2026-10-01T08:00:00.000Z",
    "seen_at": "2026-11-22T08:00:00.000Z",
    "synced": False,
    "looks_like": None,
    "attested": False,
}
OVERVIEW: dict[str, Any] = {
    "id": "ovw_1",
    "user": {
        "user_id": "u_1",
        "status": "active",
        "factors": ["otp"],
        "locked_until": {},
        "verify_always": False,
    },
    "devices": [DEVICE],
    "verifications": [
        {
            "id": "dec_1",
            "at": "2026-11-22T08:00:00.000Z",
            "type": "payment",
            "payee": {"name": "友谊商店"},
            "merchant_name": "友谊超市",
            "amount": "shown",
            "amount_minor": 3_969_004,
            "currency": "CNY",
            "device_name": "我的手机",
            "channel": "app",
            "status": "authenticated",
            "factors": ["device_uv"],
            "declined": None,
            "face_renewed": False,
        }
    ],
    "recovery_codes_left": 9,
    "gait": None,
    "waiting": [],
    "consents": [
        {
            "modality": "face",
            "text_version": "2026-12",
            "given_at": "2026-10-01T08:00:00.000Z",
            "withdrawn_at": None,
        }
    ],
    "locale": "zh-CN",
    "return_url": SHOP,
    "expires_at": "2026-11-23T12:15:00.000Z",
}

_ROOTS = {
    "/v1/challenges/chl_1": "Challenge",
    "/v1/enrollments/enr_1": "Enrollment",
    "/v1/overviews/ovw_1": "Overview",
}


@dataclass
class DirectedApi:
    """Each of its objects opens with one and the same token. Calls are named by what follows the object's address."""

    token: str = "ct_good"
    challenge: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(CHALLENGE))
    enrollment: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(ENROLLMENT))
    overview: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(OVERVIEW))
    asked: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    first: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What a call says the first times, before `answers`."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        self.asked.append(f"{request.method} {request.path}")
        self.bodies.append(request.get_data())
        status, body = self._answer(request)
        return Response(json.dumps(body), status, mimetype="application/json")(environ, start_response)

    def refuse(self, call: str, status: int, slug: str, **extra: Any) -> None:
        self.answers[call] = (
            status,
            {"type": f"{ORIGIN}/v1/problems/{slug}", "detail": "for engineers", **extra},
        )

    def _answer(self, request: Request) -> tuple[int, dict[str, Any]]:
        root = next((root for root in _ROOTS if request.path.startswith(root)), "")
        if not root or request.headers["Authorization"] != f"{_ROOTS[root]} {self.token}":
            return 401, {"type": f"{ORIGIN}/v1/problems/unauthenticated", "detail": "no"}
        call = f"{request.method} {request.path.removeprefix(root)}"
        if self.first.get(call):
            return 200, self.first[call].pop(0)
        shown = {"Challenge": self.challenge, "Enrollment": self.enrollment, "Overview": self.overview}
        return self.answers.get(call, (200, shown[_ROOTS[root]] if call == "GET " else {"state": "received"}))
