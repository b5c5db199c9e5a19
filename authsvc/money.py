"""Amounts as people read them: by the digits of ISO 4217, which no library of locales may overrule.

Locale data rounds some currencies to what is in people's purses (no para of a dinar); a payment counts the smallest unit of
the standard, and shown by other digits it would read a hundred times larger than it is.
"""

from __future__ import annotations

import re
from decimal import Decimal

_TWO = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK
DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD
KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP
PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"

MINOR_DIGITS = {
    code: digits for digits, codes in ((2, _TWO), (0, _NONE), (3, _THREE)) for code in codes.split()
}
"""How many digits follow the point, by code. Funds, metals and testing codes are left out: nobody is paid in them."""


def major_units(amount_minor: int, currency: str) -> str:
    """The amount as a decimal number, `1250.00`; in a currency that nobody has heard of, what the backend counted."""
    digits = MINOR_DIGITS.get(currency, 0)
    if digits == 0:
        return str(amount_minor)
    # Whole numbers throughout: each decision that is unlike its payer's habits writes some, and Decimal is five times as slow.
    units, rest = divmod(abs(amount_minor), 10**digits)
    return f"{'-' if amount_minor < 0 else ''}{units}.{rest:0{digits}}"


def written(amount_minor: int, currency: str, locale: str) -> str:
    """The amount with its currency, as people of that locale write it; of an unknown currency its smallest units, and so said."""
    from babel import Locale  # Its tables load when the first amount is written.
    from babel.numbers import format_currency, format_decimal

    spoken = Locale.parse(locale, sep="-" if "-" in locale else "_")
    digits = MINOR_DIGITS.get(currency)
    if digits is None:
        units = "（最小货币单位）" if spoken.language == "zh" else " (smallest units)"
        return f"{currency} {format_decimal(amount_minor, locale=spoken)}{units}"
    pattern = re.sub(r"\.0+", f".{'0' * digits}".rstrip("."), spoken.currency_formats["standard"].pattern)
    major = Decimal(amount_minor).scaleb(-digits)
    return str(format_currency(major, currency, pattern, locale=spoken, currency_digits=False))
