"""What is tried with the console: an operator locked out, found out by name, doubled, or approving their own change."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit

from authsvc.errors import AuthsvcError
from authsvc.lab.drill.authenticator import Authenticator
from authsvc.lab.drill.drill import Unprepared, drill
from authsvc.lab.drill.people import LARGE
from authsvc.lab.drill.scene import Scene, expect
from authsvc.lab.drill.service import Answer, Service, new_name

FAILURES = 12
BURIED_UNDER = 12
ANALYSES, UNAVAILABLE = 5, 503
"""A service that has much else to do breaks an analysis off, and asks for it again."""

_numbers = count(secrets.randbelow(10**8) + 1_000)
"""Of drafts: a number names one document for good."""
WEAK = frozenset({"face", "voice", "device_uv", "otp"})
_FORM_KEY = re.compile(rb'name="form_key" value="([0-9a-f]+)"|data-form-key="([0-9a-f]+)"')


class Browser:
    """A browser at the console: cookies, and the key of the last form that was shown."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._cookies: dict[str, str] = {}
        self._form_key = ""

    def look(self, path: str) -> Answer:
        return self._ask("GET", path, {}, None)

    def post(self, path: str, **fields: str) -> Answer:
        body = urlencode({"form_key": self._form_key, **fields}).encode()
        return self._ask("POST", path, {"Content-Type": "application/x-www-form-urlencoded"}, body)

    def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """As a script of the page does."""
        headers = {"X-Form-Key": self._form_key, "Content-Type": "application/json"}
        return self._ask(method, path, headers, body)

    def names(self, name: str) -> Answer:
        self.look("/console/sign-in")
        self.post("/console/sign-in", name=name)
        return self.look("/console/sign-in/proof")

    def forget(self, cookie: str) -> None:
        self._cookies.pop(cookie, None)

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        connection = HTTPConnection(self._service.host, self._service.port, timeout=30)
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        try:
            connection.request(method, path, body, {"Cookie": cookies, **headers})
            response = connection.getresponse()
            content = response.read()
            self._keep(response.headers.get_all("Set-Cookie") or [])
        finally:
            connection.close()
        found = _FORM_KEY.search(content)
        self._form_key = (found.group(1) or found.group(2)).decode() if found else self._form_key
        return Answer(response.status, content)

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            for name, morsel in SimpleCookie(line).items():
                if morsel.value and morsel["max-age"] != "0":
                    self._cookies[name] = morsel.value
                else:
                    self._cookies.pop(name, None)


class Operator(Browser):
    """An operator with a device key."""

    def __init__(self, scene: Scene, *roles: str) -> None:
        super().__init__(scene.service)
        self.name = new_name("drill")
        link = scene.on_premises.invite(self.name, *roles)
        parts = urlsplit(link)
        self.key = Authenticator(f"{parts.scheme}://{parts.netloc}")
        self.look("/console/join")
        self.post("/console/join", invitation=link)
        self.look("/console/join/ways")
        options = expect(self.send("POST", "/console/join/key/begin"), 200)
        made = self.key.create(options.get("publicKey", options))
        expect(self.send("PUT", "/console/join/key", _json({"credential": made})), 200)

    def signs_in(self) -> Answer:
        """Anew, in the browser that has signed in before."""
        self.forget("console")
        self.names(self.name)
        begun = self.send("POST", "/console/sign-in/key/begin")
        if not begun.is_good:
            return begun
        shown = self.key.get(begun.json.get("publicKey", begun.json))
        return self.send("PUT", "/console/sign-in/key", _json(shown))


def _json(value: Any) -> bytes:  # Any: what JSON has.
    return json.dumps(value).encode()


@drill(
    "operator-locked-out",
    "a stranger fails at an operator's sign-in until the operator cannot get in",
    control="strangers slow down strangers",
)
def operator_locked_out(scene: Scene) -> None:
    ann = Operator(scene, "support")
    expect(ann.signs_in(), 200)
    scene.begins()
    stranger = Browser(scene.service)
    for _ in range(FAILURES):
        stranger.names(ann.name)
        stranger.post("/console/sign-in/app", sign_in_key="AAAA-AAAA-AAAA-AAAA-AAAA-AAAA", code="000000")
        stranger.send("POST", "/console/sign-in/key/begin")
        stranger.send("PUT", "/console/sign-in/key", b'{"id":"x"}')
    answer = ann.signs_in()
    scene.attack(answer, through=not answer.is_good)


@drill(
    "operator-found-out",
    "a stranger learns from the sign-in whether somebody is an operator",
    control="unknown names are answered the same",
)
def operator_found_out(scene: Scene) -> None:
    ann = Operator(scene, "support")
    scene.begins()
    known, unknown = (_signs_in_as(scene, name) for name in (ann.name, new_name("drill")))
    scene.attack(str(unknown), through=known != unknown)


@drill(
    "operator-twin",
    "an operator is invited whose name looks like another's",
    control="one canonical form for every identifier",
)
def operator_twin(scene: Scene) -> None:
    ann = Operator(scene, "support")
    scene.begins()
    for name in (f"{ann.name[:4]}\u200b{ann.name[4:]}", ann.name.upper(), f"{ann.name}\u00ad"):
        try:
            scene.on_premises.invite(name, "support")
        except AuthsvcError as refused:
            scene.attack(refused.slug, through=False)
        else:
            scene.attack("invited", through=True)


@drill(
    "own-approval",
    "an analyst who may approve approves their own weaker policy",
    control="a second person approves",
)
def own_approval(scene: Scene) -> None:
    owner = scene.person()
    eve = _bearer(scene, "analyst", "approver")
    scene.begins()
    version = _analyzed(scene, eve)
    answer = _policies(scene, eve, "POST", f"/{version}/approve", {})
    scene.attack(answer, through=answer.is_good)
    scene.asks_weakly(owner.asks(LARGE * 10), WEAK)


@drill(
    "weaker-policy-unread",
    "a weaker policy gets past an approver who accepts nothing",
    control="what gets weaker is accepted by name",
)
def weaker_policy_unread(scene: Scene) -> None:
    eve, bob = _bearer(scene, "analyst"), _bearer(scene, "approver")
    scene.begins()
    version = _analyzed(scene, eve)
    answer = _policies(scene, bob, "POST", f"/{version}/approve", {})
    scene.attack(answer, through=answer.is_good)


@drill(
    "weaker-policy-unproved",
    "a weaker policy is analyzed so that the analysis finds nothing: cut short, or buried under rules that never matter",
    control="what was not examined whole is not approved",
    alone=True,
)
def weaker_policy_unproved(scene: Scene) -> None:
    eve, bob = _bearer(scene, "analyst"), _bearer(scene, "approver")
    scene.begins()
    version = _analyzed(scene, eve, _dummies(BURIED_UNDER))
    cut_short = _policies(scene, eve, "POST", f"/{version}/analyze", {"most_cells": 1})
    scene.attack(cut_short, through=cut_short.is_good)
    answer = _policies(scene, bob, "POST", f"/{version}/approve", {})
    scene.attack(answer, through=answer.is_good)


def _dummies(count: int) -> str:
    """Rules that no payment meets, each a dimension more for an analysis."""
    return "".join(
        f'\n[[rules]]\nid = "list-{n}"\nlevel = "otp"\nwhy = "feed {n}"\nrisk_reason_in = ["list_{n}"]\n'
        for n in range(count)
    )


def _signs_in_as(scene: Scene, name: str) -> tuple[int, int, int]:
    stranger = Browser(scene.service)
    shown = stranger.names(name)
    offered = stranger.send("POST", "/console/sign-in/key/begin")
    tried = stranger.post("/console/sign-in/app", sign_in_key="AAAA-AAAA-AAAA-AAAA-AAAA-AAAA", code="000000")
    return shown.status, offered.status, tried.status


def _bearer(scene: Scene, *roles: str) -> str:
    return scene.on_premises.operator(new_name("drill"), *roles)


def _policies(scene: Scene, bearer: str, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
    return scene.service.call(method, f"/v1/policies{path}", f"Operator {bearer}", body)


def _analyzed(scene: Scene, bearer: str, more: str = "") -> str:
    """A draft that raises every bound of the active policy a thousandfold, with `more` behind it, validated and analyzed."""
    active = expect(_policies(scene, bearer, "GET", "/active", None), 200)["version"]
    text = re.sub(r"(amount_at_least = \d+)_000\b", r"\1_000_000_000", active["document"])
    text = re.sub(r"^version = (\d+)$", f"version = {next(_numbers)}", text, flags=re.MULTILINE)
    text = text.partition("[[tests]]")[0] + more
    drafted = expect(_policies(scene, bearer, "POST", "", {"document": text, "note": "drill"}), 201)
    for step in ("validate", "analyze"):
        asked = (_policies(scene, bearer, "POST", f"/{drafted['id']}/{step}", {}) for _ in range(ANALYSES))
        answer = next((each for each in asked if each.status != UNAVAILABLE), None)
        if answer is None or not answer.is_good:
            raise Unprepared(f"{step}: {answer}")
    return str(drafted["id"])
