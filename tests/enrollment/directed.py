"""An API of one challenge that a test directs: what it says, what it refuses, and what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ORIGIN = "https://pay.example"

CHALLENGE = {
    "id": "chl_1",
    "status": "challenge_required",
    "payment": {"amount_minor": 125000, "currency": "CNY", "payee": {"name": "友谊商店"}, "type": "payment"},
    "sets": [["otp"], ["device_uv"]],
    "chosen": ["otp"],
    "received": [],
    "attempts_remaining": 3,
    "expires_at": "2026-11-23T12:05:00.000Z",
    "locale": "zh-CN",
    "return_url": "https://shop.example/orders/1",
}


@dataclass
class DirectedApi:
    """An API of one challenge, which opens with one token."""

    token: str = "ct_good"
    challenge: dict[str, Any] = field(default_factory=lambda: dict(CHALLENGE))
    asked: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)

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
        if request.headers["Authorization"] != f"Challenge {self.token}":
            return 401, {"type": f"{ORIGIN}/v1/problems/unauthenticated", "detail": "no"}
        call = f"{request.method} {request.path.removeprefix('/v1/challenges/chl_1')}"
        if call == "GET ":
            return 200, self.challenge
        return self.answers.get(call, (200, {"state": "received"}))
