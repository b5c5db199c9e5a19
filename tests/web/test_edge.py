"""What the edge refuses and what it reads: one spelling for every name, HTTP as libraries send it, faults in words."""

import json
from typing import Any
from urllib.parse import quote

import pyotp
import pytest

from authsvc.domain.once import Answer
from tests.web.conftest import Shop
from tests.web.people import open_enrollment, step
from tests.web.support import BEARER, DECISION, TRANSACTION, Api, FakeServices, decision, slug

HEADERS = {**BEARER, "Idempotency-Key": "k", "Content-Type": "application/json"}
NOT_CANONICAL = (
    "Rene\u0301",
    "\u212aarl",
    "\uf90a",
    "ann ",
    "\u00a0bob",
    "李\u3000",
    "a  b",
    "a\u200bnn",
    "a\u061cnn",
    "",
)


def decided(**changes: Any) -> dict[str, Any]:
    return {**DECISION, **changes}


def sent(api: Api, body: object, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return api.post("/v1/decisions", data=raw, headers={**HEADERS, **headers})


def detail(answer: Any) -> str:
    return str(answer.json["detail"])


def fault(answer: Any, field: str) -> str:  # Any: an answer whose JSON is looked into.
    assert slug(answer) == "invalid-request"
    return next(str(each["message"]) for each in answer.json["errors"] if each["field"] == field)


# -- One form of every identifier --------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", NOT_CANONICAL, ids=ascii)
def test_a_user_that_is_not_canonical_is_refused_in_every_plane(shop: Shop, user: str):
    bodies = {
        "/v1/decisions": decided(user_id=user),
        "/v1/enrollments": {"user_id": user},
        "/v1/overviews": {"user_id": user},
    }
    for n, (path, body) in enumerate(bodies.items()):
        headers = {
            **shop.bearer,
            "Idempotency-Key": f"edge-{n}-{ascii(user).replace(chr(39), '')[:40].replace(' ', '')}",
        }
        answer = shop.api.post(path, json=body, headers=headers)
        assert fault(answer, "user_id"), path
    if user:
        at = f"/v1/users/{quote(user, safe='')}"
        calls: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("POST", f"{at}/freeze", {"json": {"reason": "stolen"}}),
            ("POST", f"{at}/unfreeze", {"json": {"operators": ["ann", "bob"]}}),
            ("GET", f"{at}/status", {}),
            ("GET", f"{at}/export", {}),
            ("GET", f"{at}/devices", {}),
            ("DELETE", at, {}),
        )
        for method, path, body in calls:
            answer = shop.api.send(method, path, headers=shop.bearer, **body)
            assert slug(answer) == "invalid-request", (method, path)
            assert "`user_id`" in detail(answer)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"user_id": "ann "}, "user_id"),
        ({"device": {"id": "dev_\u212a"}}, "device.id"),
        ({"transaction": {**TRANSACTION, "id": "pay_\u212a"}}, "transaction.id"),
        (
            {"transaction": {**TRANSACTION, "payee": {"id": " x", "name": "Shop"}}},
            "transaction.payee.id",
        ),
    ],
)
def test_every_identifier_of_a_decision_has_one_form(api: Api, changes: dict[str, Any], field: str):
    assert fault(sent(api, decided(**changes)), field)


@pytest.mark.parametrize(
    "mark", ["\u061c", "\u200e", "\u202e", "\u2028", "\u200b", "\u2066", "\ufeff", "\U000e0041"], ids=ascii
)
def test_a_payee_name_with_something_unseen_is_refused_and_the_character_named(api: Api, mark: str):
    payee = {"id": "shop_1", "name": f"Shop {mark}123"}
    answer = sent(api, decided(transaction={**TRANSACTION, "payee": payee}))
    assert f"U+{ord(mark):04X}" in fault(answer, "transaction.payee.name")


@pytest.mark.parametrize(
    "around", ["\u2068{}\u2069", "\u202a{}\u202c", "{}\r\n", "\ufeff{}", "{}\u200b"], ids=ascii
)
def test_a_code_is_read_with_what_a_message_puts_around_it(shop: Shop, user: str, around: str):
    token, path = open_enrollment(shop, user)
    code = pyotp.TOTP(step(shop, path, token, "otp").get_json()["secret"]).now()
    answer = shop.api.put(f"{path}/steps/otp", json={"code": around.format(code)}, headers=token)
    assert answer.get_json() == {"state": "received"}


# -- HTTP as it is -----------------------------------------------------------------------------------------------------

OPTIONAL = ("device", "risk", "context", "proven", "return_url")


@pytest.mark.parametrize("name", OPTIONAL)
def test_null_is_the_same_as_absent(api: Api, fake: FakeServices, name: str):
    fake.on("decisions.decide", lambda key, once, request: Answer.of(decision()))
    assert sent(api, decided()).status_code == 201
    assert sent(api, decided(**{name: None})).status_code == 201
    absent, null = (args[2] for args in fake.calls_of("decisions.decide"))
    assert absent == null


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, identity"])
def test_a_compressed_body_is_an_unsupported_medium(api: Api, fake: FakeServices, coding: str):
    answer = sent(api, b"\x1f\x8b\x08\x00", **{"Content-Encoding": coding})
    assert slug(answer) == "unsupported-media"
    assert "Content-Encoding" in detail(answer)
    assert not fake.calls_of("decisions.decide")


@pytest.mark.parametrize(
    "coding", ["gzip, chunked", "deflate, chunked", "x-gzip,chunked", "GZIP, Chunked", "br"]
)
def test_neither_is_it_compressed_on_its_way(api: Api, fake: FakeServices, coding: str):
    answer = sent(api, b"\x1f\x8b\x08\x00", **{"Transfer-Encoding": coding})
    assert slug(answer) == "unsupported-media"
    assert not fake.calls_of("decisions.decide")


def test_identity_is_no_coding(api: Api):
    assert sent(api, decided(), **{"Content-Encoding": "identity"}).status_code == 201


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xef\xbb\xbf" + json.dumps(DECISION).encode(), "byte order mark"),
        (json.dumps(DECISION).encode("utf-16"), "not UTF-8"),
        (json.dumps(DECISION).encode("utf-16-le"), "not UTF-8"),
        (b"", "the body is empty"),
        (b'{"user_id": "u",\n "x": +1}', "line 2, column 7: a number has neither `+`"),
        (b'{"amount_minor": 0125}', "line 1, column 19: a number has neither"),
        (b'{"amount_minor": .5}', "a number has neither"),
        (b'{"amount_minor": 1_000}', "a number has neither"),
        (b'{"amount_minor": 0x1F}', "a number has neither"),
        (b'{"amount_minor": NaN}', "`NaN` is not JSON"),
        (b'{"amount_minor": ' + b"9" * 5000 + b"}", "a number of too many digits"),
        (b"{'user_id': 'u'}", "line 1, column 2"),
        (b'{"a": 1,}', "line 1, column"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_what_is_no_json_is_told_where_and_why(api: Api, raw: bytes, said: str):
    answer = sent(api, raw)
    assert slug(answer) == "invalid-request"
    assert said in detail(answer)


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (1e3, "must be a whole number such as `125000`"),
        (12.5, "must be a whole number"),
        ("125000", "must be a whole number"),
        (True, "must be a whole number"),
        (-1, "must be at least 0"),
        (2**53, "must be at most 9007199254740991"),
        (2**70, "must be at most 9007199254740991"),
        ([], "must be a whole number"),
    ],
)
def test_an_amount_that_is_none_is_told_what_one_is(api: Api, amount: object, said: str):
    answer = sent(api, decided(transaction={**TRANSACTION, "amount_minor": amount}))
    assert fault(answer, "transaction.amount_minor").startswith(said)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"transaction": {**TRANSACTION, "currency": "cny"}}, "transaction.currency", "ISO 4217"),
        (
            {"transaction": {**TRANSACTION, "type": "Transfer!"}},
            "transaction.type",
            "lower-case word",
        ),
        ({"context": {"locale": "zh_CN"}}, "context.locale", "`zh-CN`"),
        ({"return_url": "http://shop.example/"}, "return_url", "https://"),
        ({"device": {"id": "a/b"}}, "device.id", "holds `/`"),
        ({"device": {"secret": "é"}}, "device.secret", "ASCII"),
        ({"user_id": 7}, "user_id", "must be text"),
        ({"risk": {"score": 101}}, "risk.score", "at most 100"),
        ({"colour": "red"}, "colour", "is not known here"),
    ],
)
def test_a_refusal_is_in_words_and_not_a_regular_expression(
    api: Api, changes: dict[str, Any], field: str, said: str
):
    message = fault(sent(api, decided(**changes)), field)
    assert said in message
    assert "^" not in message
    assert "pattern" not in message


@pytest.mark.parametrize("given", ["", "Basic dTpw", "Token x", "Bearer", "Bearer not a key"])
@pytest.mark.parametrize(
    ("method", "path", "scheme"),
    [
        ("GET", "/v1/decisions/dec_" + "a" * 24, "Bearer"),
        ("GET", "/v1/challenges/chl_" + "a" * 24, "Challenge"),
        ("GET", "/v1/overviews/ovw_" + "a" * 24, "Overview"),
        ("POST", "/v1/enrollments/enr_" + "a" * 24 + "/complete", "Enrollment"),
        ("GET", "/v1/policies", "Operator"),
    ],
)
def test_a_401_names_the_scheme_that_is_expected(shop: Shop, given: str, method: str, path: str, scheme: str):
    answer = shop.api.send(method, path, headers={"Authorization": given} if given else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith(scheme)
    assert f"`Authorization: {scheme} …`" in detail(answer)
