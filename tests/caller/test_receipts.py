"""A receipt is good for one payment, one backend, two minutes; everything else is refused, and says why."""

import base64
import hmac
import json
import random
import threading
import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from authsvc.caller import receipts as receipts_of_the_caller
from authsvc.caller.receipts import TYPE, FetchedKeys, KeySet, ReceiptRefused, verify_receipt
from authsvc.domain import decision as decisions_of_the_service
from authsvc.domain import receipt as receipts_of_the_service
from authsvc.domain.receipt import ReceiptReader
from authsvc.errors import InvalidRequest, ReceiptMismatch, Unavailable
from authsvc.keys.jwk import to_jwk
from authsvc.payment import Binding, Payee, Payment
from authsvc.subject import Subject
from tests.caller.signing import CLIENT, ISSUER, NOW, PAYMENT, Signer

SIGNER = Signer()


def verify(receipt: str, payment: Payment = PAYMENT, **changes):
    expected: dict[str, Any] = {
        "jwks": SIGNER.jwks,
        "audience": CLIENT,
        "issuer": ISSUER,
        "now": NOW,
    } | changes
    return verify_receipt(receipt, payment=payment, **expected)


def refusal(receipt: str, payment: Payment = PAYMENT, **changes) -> str:
    with pytest.raises(ReceiptRefused) as refused:
        verify(receipt, payment, **changes)
    assert refused.value.slug == "receipt-mismatch"
    return refused.value.reason


def test_a_receipt_for_this_payment_tells_what_was_proven():
    receipt = verify(SIGNER.receipt())
    assert (receipt.acr, receipt.amr, receipt.categories) == ("face", ("face",), ("inherence",))
    assert (receipt.status, receipt.user_id, receipt.dynamic_linked) == ("authenticated", "u_42", True)
    assert receipt.expires_at - receipt.issued_at == timedelta(seconds=120)


@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": 125_001},
        {"currency": "HKD"},
        {"type": "payment"},
        {"transaction_id": "pay_7732"},
        {"payee": Payee("cn:6228480402564890018", "友谊商厦")},
        {"payee": Payee("cn:6228480402564890019", "友谊商店")},
        {"subject": Subject(CLIENT, "u_43")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_payment_is_refused(change):
    assert refusal(SIGNER.receipt(), replace(PAYMENT, **change)) == "other-payment"


def test_a_receipt_is_refused_from_its_end_on():
    receipt = SIGNER.receipt()
    verify(receipt, now=NOW + timedelta(seconds=119))
    assert refusal(receipt, now=NOW + timedelta(seconds=120)) == "expired"


def test_a_receipt_from_the_future_is_refused():
    receipt = SIGNER.receipt()
    verify(receipt, now=NOW - timedelta(seconds=60))
    assert refusal(receipt, now=NOW - timedelta(seconds=61)) == "not-yet"


def test_a_receipt_that_claims_a_long_life_is_refused():
    assert refusal(SIGNER.forged(exp=int(NOW.timestamp()) + 301)) == "too-long"


@pytest.mark.parametrize(
    ("forged", "reason"),
    [
        ({"aud": "other-shop"}, "audience"),
        ({"aud": [CLIENT, "other-shop"]}, "audience"),
        ({"iss": "somebody"}, "issuer"),
        ({"sub": "u_43"}, "other-payer"),
        ({"status": "challenge_required"}, "not-released"),
        ({"status": "denied"}, "not-released"),
        ({"binding": None}, "malformed"),
        ({"binding": Binding.of(PAYMENT).digest}, "other-payment"),
        ({"binding": {"v": 2, "digest": Binding.of(PAYMENT).digest}}, "other-payment"),
        ({"exp": "soon"}, "malformed"),
        ({"iat": None}, "malformed"),
        ({"exp": 10**30}, "malformed"),
        ({"amr": "face"}, "malformed"),
        ({"warnings": "none"}, "malformed"),
        ({"headers": {"typ": "JWT"}}, "malformed"),
        ({"headers": {"kid": "another"}}, "unknown-key"),
        *(
            ({"without": (claim,)}, "malformed")
            for claim in ("exp", "iat", "jti", "sub", "status", "acr", "binding")
        ),
    ],
    ids=str,
)
def test_a_well_signed_token_with_one_wrong_claim_is_refused(forged, reason):
    assert refusal(SIGNER.forged(**forged)) == reason


def test_a_receipt_of_another_key_under_this_keys_name_is_refused():
    stranger = Signer()
    assert refusal(stranger.forged(headers={"kid": SIGNER.kid})) == "signature"


@pytest.mark.parametrize("token", ["", "a.b.c", "…", "x" * 9000, "e30.e30."])
def test_what_is_no_receipt_at_all_is_refused(token):
    assert refusal(token) == "malformed"


def test_neither_no_signature_nor_one_made_with_the_public_key_as_a_secret_passes():
    _, body, _ = SIGNER.receipt().split(".")
    unsigned = f"{segment({'typ': TYPE, 'kid': SIGNER.kid, 'alg': 'none'})}.{body}."
    confused = f"{segment({'typ': TYPE, 'kid': SIGNER.kid, 'alg': 'HS256'})}.{body}"
    mac = hmac.digest(json.dumps(SIGNER.jwk).encode(), confused.encode(), "sha256")
    assert refusal(unsigned) == "malformed"
    assert refusal(f"{confused}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}") == "malformed"


def segment(header: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()


def test_every_changed_bit_of_the_signature_is_noticed():
    head, body, signature = SIGNER.receipt().split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    for position in range(0, len(raw) * 8, 7):
        spoiled = bytearray(raw)
        spoiled[position // 8] ^= 1 << position % 8
        text = base64.urlsafe_b64encode(bytes(spoiled)).rstrip(b"=").decode()
        assert refusal(f"{head}.{body}.{text}") == "signature"


def test_a_frightening_setting_behind_a_receipt_is_refused_unless_it_is_tolerated():
    receipt = SIGNER.receipt(warnings=("unsafe-no-pad",))
    assert refusal(receipt) == "warnings"
    assert refusal(receipt, tolerated_warnings=("something-else",)) == "warnings"
    assert verify(receipt, tolerated_warnings=("unsafe-no-pad",)).warnings == ("unsafe-no-pad",)


def test_the_caller_expects_what_the_service_signs():
    assert (receipts_of_the_caller.TYPE, receipts_of_the_caller.ALGORITHM) == (
        receipts_of_the_service.TYPE,
        receipts_of_the_service.ALGORITHM,
    )
    assert receipts_of_the_service.LIFE <= receipts_of_the_caller.LONGEST_LIFE
    assert {status.value for status in decisions_of_the_service.RELEASING} == receipts_of_the_caller.RELEASING


# -- Ten thousand changed payments -------------------------------------------------------------------------------------

FIELDS = ("amount_minor", "currency", "type", "transaction_id", "payee_id", "payee_name", "user_id", "client")
CHARACTERS = 'aZ09_-:. "\\/é店友🍜\u0301ｓ'


def as_fields(payment: Payment) -> dict:
    return {
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "type": payment.type,
        "transaction_id": payment.transaction_id,
        "payee_id": payment.payee.id,
        "payee_name": payment.payee.name,
        "user_id": payment.subject.user,
        "client": payment.subject.client,
    }


def from_fields(fields: dict) -> Payment:
    return Payment.stated(
        transaction_id=fields["transaction_id"],
        type=fields["type"],
        amount_minor=fields["amount_minor"],
        currency=fields["currency"],
        payee=Payee(fields["payee_id"], fields["payee_name"]),
        subject=Subject(fields["client"], fields["user_id"]),
    )


def mutated(text: str, dice: random.Random, alphabet: str) -> str:
    """One character more, less, another, or two that changed places."""
    place = dice.randrange(len(text))
    pair = text[place : place + 2]
    return dice.choice(
        (
            text[:place] + dice.choice(alphabet) + text[place:],
            text[:place] + text[place + 1 :],
            text[:place] + dice.choice(alphabet) + text[place + 1 :],
            text[:place] + pair[::-1] + text[place + 2 :],
            text + dice.choice(alphabet),
            text.swapcase(),
        )
    )


def changed_payment(dice: random.Random) -> Payment:
    """The payment with exactly one field changed into something that has a canonical form of its own."""
    while True:
        fields = as_fields(PAYMENT)
        field = dice.choice(FIELDS)
        if field == "amount_minor":
            step = dice.choice((1, 10, 99, 100, dice.randrange(1, 2**40)))
            fields[field] = abs(fields[field] + dice.choice((-step, step)))
        elif field == "currency":
            fields[field] = "".join(dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=3))
        else:
            alphabet = "abcxyz019_" if field == "type" else CHARACTERS
            fields[field] = mutated(fields[field], dice, alphabet)
        try:
            payment = from_fields(fields)
        except InvalidRequest:
            continue
        if payment != PAYMENT:
            return payment


@pytest.mark.long
def test_of_ten_thousand_payments_with_one_field_changed_none_is_accepted():
    dice = random.Random(7731)
    receipt, keys = SIGNER.receipt(), KeySet(SIGNER.jwks)
    reader = ReceiptReader(ISSUER, lambda: {SIGNER.kid: SIGNER.key.public_key()})
    accepted = 0
    for _ in range(10_000):
        payment = changed_payment(dice)
        accepted += offline(keys, receipt, payment) + online(reader, receipt, payment)
    assert accepted == 0


def offline(keys: KeySet, receipt: str, payment: Payment) -> bool:
    """What the backend finds when `payment` is its own record and its own name is the record's."""
    try:
        verify(receipt, payment, jwks=keys, audience=payment.subject.client)
    except ReceiptRefused:
        return False
    return True


def online(reader: ReceiptReader, receipt: str, payment: Payment) -> bool:
    """What the service itself says of a receipt that comes back with this payment."""
    try:
        claims = reader.read(receipt, payment.subject.client, NOW)
    except ReceiptMismatch:
        return False
    binding = Binding.of(payment)
    return claims["binding"] == {"v": binding.v, "digest": binding.digest}


def test_another_order_of_the_fields_and_other_white_space_are_the_same_payment():
    dice = random.Random(14)
    receipt, keys = SIGNER.receipt(), KeySet(SIGNER.jwks)
    reader = ReceiptReader(ISSUER, lambda: {SIGNER.kid: SIGNER.key.public_key()})
    for _ in range(500):
        fields = list(as_fields(PAYMENT).items())
        dice.shuffle(fields)
        text = json.dumps(
            dict(fields),
            indent=dice.choice((None, 0, 3, "\t")),
            separators=dice.choice(((",", ":"), (" , ", " :  "))),
            ensure_ascii=dice.random() < 0.5,
        )
        payment = from_fields(json.loads(text))
        assert offline(keys, receipt, payment)
        assert online(reader, receipt, payment)


def test_a_decomposed_name_is_the_same_payment():
    accented = replace(PAYMENT, payee=Payee("fr:1", "Café Olé"))
    spelt = as_fields(accented) | {"payee_name": unicodedata.normalize("NFD", "Café Olé")}
    assert spelt["payee_name"] != "Café Olé"
    verify(SIGNER.receipt(accented), from_fields(spelt))


# -- Keys ----------------------------------------------------------------------------------------------------------------


class Publisher:
    """A key set that changes, and counts how often it was asked for."""

    def __init__(self, *signers: Signer) -> None:
        self.signers = list(signers)
        self.asked = 0
        self.is_down = False
        self.time = 0.0

    def fetch(self):
        self.asked += 1
        if self.is_down:
            raise Unavailable("down")
        return {"keys": [signer.jwk for signer in self.signers]}

    def keys(self) -> FetchedKeys:
        return FetchedKeys(self.fetch, monotonic=lambda: self.time)


def test_keys_are_fetched_once_for_many_receipts():
    publisher = Publisher(SIGNER)
    keys = publisher.keys()
    for _ in range(20):
        verify(SIGNER.receipt(), jwks=keys)
    assert publisher.asked == 1


def test_an_unknown_key_is_looked_for_again_and_a_rotation_is_noticed():
    successor, publisher = Signer(), Publisher(SIGNER)
    keys = publisher.keys()
    verify(SIGNER.receipt(), jwks=keys)
    publisher.signers.append(successor)
    publisher.time += 5
    verify(successor.receipt(), jwks=keys)
    assert publisher.asked == 2


def test_made_up_key_names_cause_one_fetch_in_five_seconds():
    publisher = Publisher(SIGNER)
    keys = publisher.keys()
    for attempt in range(100):
        assert refusal(SIGNER.forged(headers={"kid": f"made-up-{attempt}"}), jwks=keys) == "unknown-key"
    assert publisher.asked == 1
    publisher.time += 5
    assert refusal(SIGNER.forged(headers={"kid": "made-up"}), jwks=keys) == "unknown-key"
    assert publisher.asked == 2


def test_a_withdrawn_key_is_not_believed_for_more_than_ten_minutes():
    publisher = Publisher(SIGNER)
    keys = publisher.keys()
    verify(SIGNER.receipt(), jwks=keys)
    publisher.signers.clear()
    publisher.time += 600
    assert refusal(SIGNER.receipt(), jwks=keys) == "unknown-key"


def test_without_keys_nothing_is_accepted_and_a_later_fetch_makes_good():
    publisher = Publisher(SIGNER)
    publisher.is_down = True
    keys = publisher.keys()
    with pytest.raises(Unavailable):
        verify(SIGNER.receipt(), jwks=keys)
    publisher.is_down = False
    verify(SIGNER.receipt(), jwks=keys)


def test_threads_that_need_the_keys_at_once_share_one_fetch():
    publisher = Publisher(SIGNER)
    keys, start, found = publisher.keys(), threading.Barrier(8), []

    def look() -> None:
        start.wait()
        found.append(keys.find(SIGNER.kid))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(key is not None for key in found)
    assert publisher.asked == 1


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "key",
        {},
        {"kty": "oct", "k": "AAAA", "kid": "k"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "k"},
        {**to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()), "use": "enc", "kid": "k"},
        {**SIGNER.jwk, "crv": "P-384", "kid": "k"},
    ],
    ids=["nothing", "text", "empty", "symmetric", "no point", "for encryption", "another curve"],
)
def test_what_is_no_signing_key_of_the_curve_is_left_out(entry):
    keys = KeySet({"keys": [entry, SIGNER.jwk]})
    assert keys.find("k") is None
    assert keys.find(SIGNER.kid) is not None
