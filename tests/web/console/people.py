"""Operators with browsers: invited on the command line's own roster, joined and signed in over the pages."""

from __future__ import annotations

import json
import re
import time
from itertools import count
from typing import Any

import pyotp
from flask import Flask
from werkzeug.test import Client, TestResponse

from authsvc.bootstrap.running import Wired
from authsvc.clock import SystemClock
from authsvc.domain.operator import Role
from authsvc.operators.roster import Roster
from tests.support.authenticator import Authenticator
from tests.web.support import BASE_URL

_addresses = count(1)


class Browser:
    """One browser on a machine of its own: an address, cookies, and the key of the last page's forms."""

    def __init__(self, app: Flask) -> None:
        self.client = Client(app, TestResponse)
        number = next(_addresses)
        self._from = {"REMOTE_ADDR": f"198.18.{number // 250}.{number % 250 + 1}"}
        self.form_key = ""
        self.page = ""

    def get(self, path: str, **request: Any) -> TestResponse:
        return self._kept(self.client.get(path, base_url=BASE_URL, environ_overrides=self._from, **request))

    def post(self, path: str, **fields: str) -> TestResponse:
        """Send a form with the last page's key."""
        data = {"form_key": self.form_key, **fields}
        return self._kept(self.client.post(path, base_url=BASE_URL, environ_overrides=self._from, data=data))

    def script(self, method: str, path: str, body: object = None) -> TestResponse:
        """What a script of the page sends."""
        headers = {"X-Form-Key": self.form_key}
        return self.client.open(
            path,
            method=method,
            base_url=BASE_URL,
            environ_overrides=self._from,
            headers=headers,
            json=body or {},
        )

    def _kept(self, answer: TestResponse) -> TestResponse:
        if answer.status_code in (301, 302, 303):
            return answer
        self.page = answer.get_data(as_text=True)
        found = re.search(r'name="form_key" value="([0-9a-f]{64})"', self.page)
        if found is not None:
            self.form_key = found.group(1)
        return answer


class Person:
    """An operator with an app, and with a device key where `key` is asked for."""

    def __init__(self, app: Flask, wired: Wired, name: str, *roles: Role, key: bool = False) -> None:
        self.name = name
        self.browser = Browser(app)
        store = wired.store
        self.roster = Roster(store.ledger, store.ring, SystemClock(), "operator:test")
        self.account, self.invitation = self.roster.invite(name, roles)
        self.authenticator = Authenticator(BASE_URL)
        self.sign_in_key = ""
        self.app: pyotp.TOTP | None = None
        self.arrive()
        if key:
            self.register_key()
        else:
            self.add_app()

    def arrive(self) -> None:
        self.browser.get("/console/join")
        assert self.browser.post("/console/join", invitation=self.invitation).status_code == 303
        assert self.browser.get("/console/join/ways").status_code == 200

    def register_key(self) -> None:
        begun = self.browser.script("POST", "/console/join/key/begin").get_json()
        made = self.authenticator.create(begun["publicKey"]).to_json()
        answer = self.browser.script("PUT", "/console/join/key", {"name": "", "credential": made})
        assert answer.status_code == 200, answer.text

    def add_app(self) -> None:
        """Confirmed with the code before the present one, so that the present one is left to sign in with."""
        self.browser.get("/console/join/app")
        self.app = pyotp.TOTP(str(_found(r'id="secret">([A-Z2-7]+)<', self.browser.page)))
        self.browser.post("/console/join/app", code=self.app.at(int(time.time()) - 30))
        self.sign_in_key = str(_found(r'id="sign-in-key">([A-Z2-7-]+)<', self.browser.page))

    def sign_in(self) -> TestResponse:
        return self.by_key() if self.app is None else self.by_app()

    def by_app(self, *, name: str = "", sign_in_key: str = "", code: str = "") -> TestResponse:
        """Sign in with the app; what is given stands in for what is right."""
        assert self.app is not None
        self.begin(name or self.name)
        return self.browser.post(
            "/console/sign-in/app", sign_in_key=sign_in_key or self.sign_in_key, code=code or self.app.now()
        )

    def by_key(self, **changes: Any) -> TestResponse:
        """Sign in with the device key; `changes` are made to the assertion before it is signed."""
        self.begin(self.name)
        begun = self.browser.script("POST", "/console/sign-in/key/begin").get_json()
        answer = self.authenticator.get(begun["publicKey"])
        for field, value in changes.items():
            setattr(answer, field, value)
        return self.browser.script("PUT", "/console/sign-in/key", answer.to_json())

    def begin(self, name: str) -> None:
        self.browser.get("/console/sign-in")
        assert self.browser.post("/console/sign-in", name=name).status_code == 303
        assert self.browser.get("/console/sign-in/proof").status_code == 200


def wrong_code(app: pyotp.TOTP) -> str:
    """A code that is not current for minutes to come."""
    return app.at(int(time.time()) + 600)


def audited(wired: Wired, action: str) -> list[Any]:
    """Every line of one kind, oldest first."""
    links = wired.store.ledger.read(lambda tx: list(tx.audit.links()))
    return [body for body in (json.loads(link.body) for link in links) if body["action"] == action]


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text
    return match.group(1)
