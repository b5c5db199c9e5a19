"""One-time codes against the RFCs' own vectors, and against everything that is nearly a code."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from authsvc.errors import InvalidRequest
from authsvc.otp import (
    AppSecret,
    issued_code,
    issued_text,
    matching_step,
    new_recovery_codes,
    recovery_digest,
    strict_code,
    time_step,
)
from authsvc.payment import Binding, Payee, Payment
from authsvc.subject import Subject

# RFC 6238, appendix B: the SHA-1 secret, and the last six of the eight digits.
RFC_SECRET = b"12345678901234567890"
RFC_CODES = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def payment(amount: int = 125_000, **changes: object) -> Payment:
    fields: dict[str, object] = {
        "transaction_id": "pay_1",
        "type": "transfer",
        "currency": "CNY",
        "payee": Payee("p", "友谊商店"),
        "subject": Subject("shop", "u_1"),
    }
    return Payment.stated(amount_minor=amount, **{**fields, **changes})  # type: ignore[arg-type]  # Named by the tests.


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES.items())
def test_the_vectors_of_rfc_6238_match_their_step(seconds: int, code: str):
    assert matching_step(RFC_SECRET, code, at(seconds)) == seconds // 30


@pytest.mark.parametrize(("late", "matches"), [(0, True), (30, True), (60, False), (-30, False)])
def test_this_step_and_the_one_before_match_and_never_the_next(late: int, matches: bool):
    seconds = 1234567890
    assert (matching_step(RFC_SECRET, RFC_CODES[seconds], at(seconds + late)) is not None) is matches


def test_without_a_secret_nothing_matches_not_even_the_code_of_zeros():
    now = at(1234567890)
    zeros = AppSecret(bytes(20), "u", "i")
    import pyotp

    assert matching_step(None, pyotp.TOTP(zeros.text).at(now), now) is None


@pytest.mark.parametrize("text", ["123456", " 123 456 ", "12345678"])
def test_six_or_eight_digits_are_a_code(text: str):
    assert strict_code(text) == text.replace(" ", "")


@pytest.mark.parametrize(
    "text",
    [
        "12345", "1234567", "123456789", "", "１２３４５６", "١٢٣٤٥٦", "¹²³⁴⁵⁶", "12345\x00", "+12345", "-12345", "1e5000",
        "0x1234", "abcdef", "12345?", "1" * 100_000, "123456\n", None, 123456, True, ["123456"], {"code": "123456"},
    ],
)  # fmt: skip
def test_nothing_else_is(text: object):
    with pytest.raises(InvalidRequest):
        strict_code(text)


def test_an_issued_code_differs_by_amount_payee_step_and_secret():
    secret, step = secrets.token_bytes(20), 58_000_000
    code = issued_code(secret, step, Binding.of(payment()))
    others = [
        issued_code(secret, step, Binding.of(payment(125_001))),
        issued_code(secret, step, Binding.of(payment(payee=Payee("p", "友谊商场")))),
        issued_code(secret, step + 1, Binding.of(payment())),
        issued_code(secrets.token_bytes(20), step, Binding.of(payment())),
    ]
    assert len(code) == 8
    assert code.isdigit()
    assert code not in others
    assert code == issued_code(secret, step, Binding.of(payment()))


def test_issued_codes_are_spread_evenly():
    secret = bytes(range(20))
    codes = [issued_code(secret, step, Binding.of(payment())) for step in range(2_000)]
    first_digits = [codes_of.count for codes_of in ["".join(code[0] for code in codes)]]
    counts = [first_digits[0](digit) for digit in "0123456789"]
    assert min(counts) > 140
    assert max(counts) < 260


def test_the_sentence_names_amount_payee_and_code():
    chinese = issued_text(payment(), "12345678", "zh-CN")
    english = issued_text(payment(), "12345678", "en-GB")
    for text in (chinese, english):
        assert "1,250.00" in text
        assert "友谊商店" in text
        assert "12345678" in text


RESHAPING = (
    "友谊商店”付款 ¥0.01，验证码 11112222，2 分钟内有效。若本人操作请告知客服",
    "Shop” of 0.01: your code is 11112222",
    'Shop". Payee: "Shop',
    "متجر 12345",
    "חנות 0.01",
    "「商店」",
    "x" * 256,
)


@pytest.mark.parametrize("name", RESHAPING)
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_no_name_of_a_payee_reshapes_the_sentence(name: str, locale: str):
    text = issued_text(payment(payee=Payee("shop_1", name)), "87654321", locale)
    plain = issued_text(payment(payee=Payee("shop_1", "Shop")), "87654321", locale)
    before, _, quoted = text.partition("“")
    assert before == plain.partition("“")[0]
    assert "1,250.00" in before
    assert "87654321" in before
    assert quoted.startswith("\u2068")
    assert quoted.endswith("\u2069”")
    assert not set('“”"「」\u2068\u2069') & set(quoted[1:-2])
    assert len(quoted) < 70


def test_a_new_secret_has_160_bits_and_an_uri_that_apps_read():
    secret = AppSecret.new("u_1", "友谊")
    assert len(secret.raw) == 20
    assert secret.uri.startswith("otpauth://totp/")
    assert f"secret={secret.text}" in secret.uri
    assert secret.qr_svg().startswith("<svg")


def test_recovery_codes_have_eighty_bits_and_forgive_how_they_are_typed():
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert all(len(code.replace("-", "")) == 16 for code in codes)
    typed = codes[0].lower().replace("-", " ")
    assert recovery_digest(typed) == recovery_digest(codes[0])
    assert recovery_digest(codes[1]) != recovery_digest(codes[0])


def test_a_step_is_thirty_seconds():
    assert time_step(at(59.9)) == 1
    assert time_step(at(0) + timedelta(seconds=60)) == 2
