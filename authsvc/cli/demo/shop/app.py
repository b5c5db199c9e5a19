"""The shop's pages: choose, pay, come back; set this phone up; and what a real shop would send by SMS.

The browser stands for a phone: what it was given when it enrolled lies in a cookie of the shop.
"""

from __future__ import annotations

import json

from flask import Flask, Response, make_response, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as Answer

from authsvc.cli.demo.shop.goods import GOODS, RISKS
from authsvc.cli.demo.shop.till import Order, Till
from authsvc.client import Device
from authsvc.errors import AuthsvcError, ProofRequired

YEAR = 365 * 24 * 3600
GUEST = "u_lin"


class Shop:
    def __init__(self, till: Till, service: str) -> None:
        self._till = till
        self._service = service

    def window(self) -> Response:
        return self._page(
            "window.html", goods=GOODS.values(), risks=RISKS, orders=self._till.orders_of(_user())
        )

    def sign_in(self) -> Answer:
        """A demo: whoever names a user is that user. The phone in the cookie stays this browser's."""
        response = redirect("/", 303)
        _remember(response, "shop-user", request.form.get("user", "").strip() or GUEST)
        return response

    def pay(self) -> Answer:
        good = GOODS.get(request.form.get("good", ""))
        if good is None:
            raise NotFound
        risk = RISKS.get(request.form.get("risk", ""), RISKS["unusual"])
        return self._sent(self._till.buy(_user(), good, _device(), risk, _locale()))

    def order(self, order_id: str) -> Response:
        """Where the payer comes back to."""
        order = self._found(order_id)
        return self._page("order.html", order=order, order_id=order_id)

    def go_on(self, order_id: str) -> Response:
        """To the confirmation, once more."""
        return self._sent(self._found(order_id))

    def send_code(self, order_id: str) -> Response:
        text = self._till.send_code(self._found(order_id), _locale())
        return self._page("order.html", order=self._found(order_id), order_id=order_id, sms=text)

    def enroll(self) -> Answer:
        """Set this browser up as a phone; who has factors already proves it with them first."""
        proven = request.form.get("order")
        if proven is None and self._till.has_factors(_user()):
            return self._sent(self._till.prove_for_enrollment(_user(), _device(), _locale()))
        try:
            ticket = self._till.ticket(_user(), _locale(), proven)
        except ProofRequired:
            # Nothing is left to prove it with, so it is a recovery.
            return self.recover()
        return self._hand_over(ticket.url, ticket.token)

    def phone(self) -> Answer:
        """Back from enrolling: the device's id and secret come in the form's body, and only this browser keeps them."""
        response = redirect("/", 303)
        if "device_id" in request.form:
            _remember(response, "shop-device", f"{request.form['device_id']} {request.form['device_secret']}")
        return response

    def lose_phone(self) -> Answer:
        """Pretend that this browser is another phone."""
        response = redirect("/", 303)
        response.delete_cookie("shop-device")
        return response

    def recover(self) -> Response:
        """The phone is gone: a recovery code, and the code that is shown here instead of being sent.

        In a real shop two operators would vouch from where they work; here whoever types two names plays both.
        """
        operators = [name for name in request.form.getlist("operator") if name.strip()]
        ticket, text = self._till.recovery(_user(), _locale(), operators)
        return self._page("recover.html", target=ticket.url, token=ticket.token, sms=text)

    def overview(self) -> Response:
        ticket = self._till.overview(_user(), _locale())
        return self._hand_over(ticket.url, ticket.token)

    def paste(self) -> Response:
        return self._page("open.html")

    def open_pasted(self) -> Response:
        """What a backend would do with the answer: hand the payer over. Only this service's own pages are opened."""
        try:
            challenge = json.loads(request.form.get("answer", ""))["challenge"]
            url, token = str(challenge["url"]), str(challenge["token"])
        except (ValueError, LookupError, TypeError):
            return self._page("open.html", wrong=True)
        if not url.startswith(f"{self._service}/c/"):
            return self._page("open.html", wrong=True)
        return self._hand_over(url, token)

    def _found(self, order_id: str) -> Order:
        order = self._till.find(order_id)
        if order is None or order.payment.subject.user != _user():
            raise NotFound
        return order

    def _sent(self, order: Order) -> Response:
        """To the confirmation, or to the order where nothing is asked."""
        challenge = self._till.challenge(order)
        if challenge is None:
            return self._page("order.html", order=order, order_id=order.payment.transaction_id)
        return self._hand_over(challenge.url, challenge.token)

    def _hand_over(self, url: str, token: str) -> Response:
        """A form that posts itself: a token never stands in an address."""
        return self._page("hand_over.html", target=url, token=token)

    def _page(self, template: str, **shown: object) -> Response:
        zh = _locale().startswith("zh")
        response = make_response(
            render_template(template, user=_user(), device=_device(), zh=zh, locale=_locale(), **shown)
        )
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self' {self._service};"
            " base-uri 'none'; frame-ancestors 'none'"
        )
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def make_shop(shop: Shop) -> Flask:
    app = Flask("authsvc.cli.demo.shop")
    app.get("/")(shop.window)
    app.post("/user")(shop.sign_in)
    app.post("/pay")(shop.pay)
    app.get("/orders/<order_id>")(shop.order)
    app.post("/orders/<order_id>")(shop.go_on)
    app.post("/orders/<order_id>/code")(shop.send_code)
    app.post("/enroll")(shop.enroll)
    app.post("/phone")(shop.phone)
    app.post("/phone/lose")(shop.lose_phone)
    app.post("/recover")(shop.recover)
    app.post("/overview")(shop.overview)
    app.get("/open")(shop.paste)
    app.post("/open")(shop.open_pasted)
    app.register_error_handler(AuthsvcError, _refused)
    return app


def _refused(error: AuthsvcError) -> tuple[str, int]:
    zh = _locale().startswith("zh")
    text = render_template(
        "refused.html", error=error, user=_user(), device=_device(), zh=zh, locale=_locale()
    )
    return text, 400


def _user() -> str:
    return request.cookies.get("shop-user", GUEST)


def _device() -> Device | None:
    device_id, _, secret = request.cookies.get("shop-device", "").partition(" ")
    return Device(device_id, secret) if secret else None


def _locale() -> str:
    return request.accept_languages.best_match(["zh-CN", "zh", "en"]) or "zh-CN"


def _remember(response: Answer, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR, httponly=True, samesite="Lax")
