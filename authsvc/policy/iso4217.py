"""ISO 4217: the codes of currencies in use, and how many digits follow the point of each.

A document that states other digits than the standard would take every amount of that currency for a hundred times larger or
smaller than it is. Funds, metals and testing codes are left out: nobody is paid in them.
"""

from __future__ import annotations

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


_MEANT = {"RMB": "CNY", "CNH": "CNY", "NTD": "TWD", "STG": "GBP", "UKP": "GBP", "EUA": "EUR", "RUR": "RUB"}
"""Everyday names. Likeness of letters would suggest the hryvnia to whoever missed the euro by one."""


def fault_of(code: str, minor_digits: int) -> str | None:
    """What is wrong with a currency of a document; None where nothing is."""
    digits = MINOR_DIGITS.get(code)
    if digits is None:
        meant = f"; did you mean `{_MEANT[code]}`?" if code in _MEANT else ""
        return f"`{code}` is no currency of ISO 4217{meant}"
    if digits != minor_digits:
        return f"`{code}` has {digits} minor digits by ISO 4217, not {minor_digits}"
    return None
