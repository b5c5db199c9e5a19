"""The shop's side of a payment: ask, send the payer to confirm, check the receipt against one's own record, consume it once."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection
from dataclasses import dataclass, replace

from authsvc.cli.demo.shop.goods import CURRENCY, PAYEE, Good
from authsvc.client import AuthsvcClient, Challenge, Decision, Device, OverviewTicket, Payment, Ticket
from authsvc.errors import AuthsvcError

HIGHEST = 100
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Order:
    """The shop's own record. What is checked and consumed is this payment, never what came back with the payer."""

    payment: Payment
    decision: Decision
    return_url: str
    paid: bool = False
    purpose: str = "payment"


class Till:
    """`url` is the shop's own address. Orders live as long as the process."""

    def __init__(self, client: AuthsvcClient, url: str) -> None:
        self._client = client
        self._url = url
        self._orders: dict[str, Order] = {}
        self._lock = threading.Lock()

    def buy(self, user: str, good: Good, device: Device | None, risk: int, locale: str) -> Order:
        """Ask what the payer must prove; what needs no proof is paid at once."""
        order_id = f"pay_{secrets.token_hex(6)}"
        payment = self._client.payment(
            user,
            order_id,
            type="payment",
            amount_minor=good.price,
            currency=CURRENCY,
            payee_id=PAYEE[0],
            payee_name=PAYEE[1],
        )
        return self._settled(self._asked(payment, order_id, device, risk, locale, "payment"))

    def prove_for_enrollment(self, user: str, device: Device | None, locale: str) -> Order:
        """Whoever has factors already proves it with them before adding more."""
        order_id = f"enr_{secrets.token_hex(6)}"
        payment = self._client.payment(
            user,
            order_id,
            type="enrollment",
            amount_minor=0,
            currency=CURRENCY,
            payee_id=PAYEE[0],
            payee_name=PAYEE[1],
        )
        return self._asked(payment, order_id, device, HIGHEST, locale, "enrollment")

    def find(self, order_id: str) -> Order | None:
        """The order as it stands, paid if the payer has confirmed it meanwhile."""
        order = self._orders.get(order_id)
        if order is None or order.paid:
            return order
        return self._settled(replace(order, decision=self._client.decision(order.decision.id)))

    def orders_of(self, user: str) -> list[Order]:
        """The latest first."""
        with self._lock:
            orders = [order for order in self._orders.values() if order.payment.subject.user == user]
        return orders[::-1][:SHOWN]

    def ticket(self, user: str, locale: str, order_id: str | None) -> Ticket:
        """A ticket for an enrollment; with the order that proved it, where the user has factors already."""
        proof = None
        if order_id is not None:
            order = self.find(order_id)
            proof = None if order is None else order.decision.receipt
        return self._client.enroll(user, locale=locale, proof=proof, return_url=f"{self._url}/phone")

    def recovery(self, user: str, locale: str, operators: Collection[str] = ()) -> tuple[Ticket, str | None]:
        """A ticket for somebody who has lost the phone, and the code that a real shop would send by SMS.

        Where two operators vouch for the person, no code is needed.
        """
        ticket = self._client.enroll(
            user, locale=locale, recovery=True, operators=operators, return_url=f"{self._url}/phone"
        )
        if operators:
            return ticket, None
        return ticket, self._client.issue_recovery_code(ticket.id, locale=locale).text

    def overview(self, user: str, locale: str) -> OverviewTicket:
        """The user's own devices and consents; the shop vouches for whoever is signed in."""
        return self._client.overview(user, locale=locale, return_url=f"{self._url}/")

    def challenge(self, order: Order) -> Challenge | None:
        """What the payer is to be sent to."""
        return order.decision.challenge if order.decision.is_open else None

    def has_factors(self, user: str) -> bool:
        try:
            return bool(self._client.status(user).factors)
        except AuthsvcError as error:
            if error.slug == "not-found":
                return False
            raise

    def send_code(self, order: Order, locale: str) -> str:
        """The sentence that a real shop would send by SMS; here it is shown."""
        return self._client.issue_code(order.decision.id, locale=locale).text

    def _asked(
        self, payment: Payment, order_id: str, device: Device | None, risk: int, locale: str, purpose: str
    ) -> Order:
        return_url = f"{self._url}/orders/{order_id}"
        decision = self._client.decide(
            payment,
            device=device,
            risk_score=risk,
            channel="web",
            locale=locale,
            return_url=return_url,
            merchant_name=PAYEE[1],
            show_why=True,
        )
        return self._keep(order_id, Order(payment, decision, return_url, purpose=purpose))

    def _settled(self, order: Order) -> Order:
        """Paid, when there is a receipt for exactly this record and it could be consumed."""
        order_id = order.payment.transaction_id
        receipt = order.decision.receipt
        if receipt is None or order.purpose != "payment":
            return self._keep(order_id, order)
        self._client.consume(receipt, order.payment, idempotency_key=f"consume-{order_id}")
        return self._keep(order_id, replace(order, paid=True))

    def _keep(self, order_id: str, order: Order) -> Order:
        with self._lock:
            self._orders[order_id] = order
        return order
