"""One-time codes against the RFCs' own vectors, and against everything that is nearly a code."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from authsvc.errors import InvalidRequest
from authsvc.otp import (
    MOST_READINGS,
    AppSecret,
    issued_code,
    issued_text,
    matching_step,
    new_recovery_codes,
    read_recovery_code,
    recovery_digest,
    recovery_text,
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
    assert matching_step(None, pyotp.TOTP(zeros.text).at(now), now) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("123456", "123456"),
        (" 123 456 ", "123456"),
        ("12345678", "12345678"),
        ("1234-5678", "12345678"),
        ("１２３４５６", "123456"),
        ("１２３　４５６", "123456"),
        ("１２３４－５６７８", "12345678"),
        ("123\u00a0456", "123456"),
        ("123–456", "123456"),
        ("١٢٣٤٥٦", "123456"),
        ("१२३४५६", "123456"),
        ("𝟏𝟐𝟑𝟒𝟓𝟔", "123456"),
        ("\u2068123456\u2069", "123456"),
        ("\u202a123456\u202c", "123456"),
        ("123\u200b456", "123456"),
        ("\ufeff123456\r\n", "123456"),
        ("\u200e１２３ ４５６\u200f", "123456"),
        ("123\u00ad456", "123456"),
    ],
)
def test_six_or_eight_digits_are_a_code_however_they_are_typed(text: str, read: str):
    assert strict_code(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "12345", "1234567", "123456789", "", "¹²³⁴⁵⁶", "①②③④⑤⑥", "一二三四五六",
        "12345\x00", "12345\u200b", "123\u202e45", "１２３４５", "+12345", "-12345", "1e5000",
        "0x1234", "abcdef", "12345?", "1" * 100_000, "123456\n7", None, 123456, True, ["123456"], {"code": "123456"},
    ],
)  # fmt: skip
def test_nothing_else_is(text: object):
    with pytest.raises(InvalidRequest):
        strict_code(text)


def test_an_issued_code_differs_by_amount_payee_step_and_secret():
    secret, step = bytes(range(20)), 58_000_000  # Two that are drawn may have one code.
    code = issued_code(secret, step, Binding.of(payment()))
    others = [
        issued_code(secret, step, Binding.of(payment(125_001))),
        issued_code(secret, step, Binding.of(payment(payee=Payee("p", "友谊商场")))),
        issued_code(secret, step + 1, Binding.of(payment())),
        issued_code(bytes(range(1, 21)), step, Binding.of(payment())),
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
    chinese = issued_text(payment(), "12345678", "zh-CN", "友谊支付")
    english = issued_text(payment(), "12345678", "en-GB", "友谊支付")
    assert chinese.startswith("【友谊支付】您正在付款 ¥1,250.00，验证码 12345678，")
    assert english.startswith("【友谊支付】")
    for text in (chinese, english):
        assert "1,250.00" in text
        assert "友谊商店" in text
        assert "12345678" in text


@pytest.mark.parametrize("sender", ["友谊】您已中奖【", "[友谊]您已中奖[]", "友谊您已中奖" * 9])
def test_no_name_of_a_sender_leaves_its_brackets(sender: str):
    for text in (
        issued_text(payment(), "12345678", "zh-CN", sender),
        recovery_text("12345678", "zh-CN", sender),
    ):
        name, _, rest = text.removeprefix("【").partition("】")
        assert len(name) <= 20
        assert rest.startswith("您正在")
        assert not set("【】") & set(rest)


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
    text = issued_text(payment(payee=Payee("shop_1", name)), "87654321", locale, "友谊")
    plain = issued_text(payment(payee=Payee("shop_1", "Shop")), "87654321", locale, "友谊")
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


@pytest.mark.parametrize("account", ["u", "u_1", "王芳", "ann@example.org", "x" * 64])
def test_a_qr_code_can_be_shrunk_as_a_whole(account: str):
    """A page makes it fit its screen; without measures of its own it would be cut off there."""
    svg = AppSecret.new(account, "友谊支付").qr_svg()
    found = re.search(r'<svg width="([0-9]+)px" height="([0-9]+)px" viewBox="0 0 ([0-9]+) ([0-9]+)"', svg)
    assert found is not None
    width, height, across, down = map(int, found.groups())
    assert width == height == across == down


def test_recovery_codes_have_eighty_bits_and_forgive_how_they_are_typed():
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert all(len(code.replace("-", "")) == 16 for code in codes)
    assert read_recovery_code(codes[0].lower().replace("-", " ")) == (codes[0].replace("-", ""),)
    assert recovery_digest(codes[0].replace("-", "")) == recovery_digest(codes[0])
    assert recovery_digest(codes[1]) != recovery_digest(codes[0])


@pytest.mark.parametrize(
    "typed",
    [
        "OIL2-BBIL-OOOO-2345",
        "0IL2-BBIL-0OO0-2345",
        "O112-BB1L-OOOO-2345",
        "OIL2-88IL-OOOO-2345",
        "011288110000２３４５",
        "ｏｉｌ２－ＢＢＩＬ－００００－２３４５",
        "OIL2–BBIL—OOOO 2345",
        "oil2 bbil oooo 2345",
        "\u2068OIL2-BBIL-OOOO-2345\u2069\n",
    ],
)
def test_a_recovery_code_is_read_though_it_was_misread(typed: str):
    assert "OIL2BBILOOOO2345" in read_recovery_code(typed)


@pytest.mark.parametrize(
    "typed", ["", "AAAA", "A" * 15, "A" * 17, "A" * 65, "AAAA-AAAA-AAAA-AAA9", "AAAA-AAAA-AAAA-AAA!",
              "AAAA_AAAA_AAAA_AAAA", "АААА-АААА-АААА-АААА", "1" * 16, None, 16, ["A" * 16]],
)  # fmt: skip
def test_what_cannot_be_a_recovery_code_is_told_so(typed: object):
    with pytest.raises(InvalidRequest):
        read_recovery_code(typed)


def test_only_so_many_readings_are_tried():
    assert len(read_recovery_code("11111AAAAAAAAAAA")) == MOST_READINGS
    with pytest.raises(InvalidRequest):
        read_recovery_code("111111AAAAAAAAAA")


@pytest.mark.parametrize(
    ("issuer", "account", "label"),
    [
        ("友谊商店", "u_42", "%E5%8F%8B%E8%B0%8A%E5%95%86%E5%BA%97:u_42"),
        ("Shop", "cn:alice", "Shop:cn-alice"),
        ("https://auth.example", "u_42", "https-%2F%2Fauth.example:u_42"),
        ("Shop", "a/b", "Shop:a%2Fb"),
        ("A & B?", "50% #1 + 1", "A%20%26%20B%3F:50%25%20%231%20%2B%201"),
        ("Shop", "alice@example.org", "Shop:alice%40example.org"),
        ("a:b:c", ":", "a-b-c:-"),
    ],
)
def test_a_label_has_one_colon_and_no_slash(issuer: str, account: str, label: str):
    """As the key URI format has it; apps that are strict refuse others."""
    secret = AppSecret.new(account, issuer)
    parts = urlsplit(secret.uri)
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/" + label)
    found = pyotp.parse_uri(secret.uri)
    assert (found.issuer, found.name) == (issuer.replace(":", "-"), account.replace(":", "-"))
    assert parse_qs(parts.query) == {"secret": [secret.text], "issuer": [issuer.replace(":", "-")]}


def test_a_step_is_thirty_seconds():
    assert time_step(at(59.9)) == 1
    assert time_step(at(0) + timedelta(seconds=60)) == 2
