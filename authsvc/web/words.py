"""The field types of the API's requests: each says how long, of which characters and in which range.

For `requests` and `openapi`, so that what is published is what is refused.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    WithJsonSchema,
)

from authsvc import text
from authsvc.payment import LARGEST_AMOUNT
from authsvc.web.in_words import OF_PATTERN


class Wanted(BaseModel):
    """A part of a request: unknown fields are refused, and `"1"` is not 1."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
# What nearly all of them are; `ipaddress` takes ten times as long to say the same.
_IPV4 = re.compile(rf"(?:{_OCTET}\.){{3}}{_OCTET}", re.ASCII)


def _ip(text: str) -> str:
    if _IPV4.fullmatch(text):
        return text
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError("must be an IPv4 or IPv6 address") from None
    return text


_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def _decimal(text: object) -> object:
    """`int` would also take `+1`, ` 1`, `1_0` and `1.0`."""
    if not isinstance(text, str) or _DECIMAL.fullmatch(text) is None:
        raise ValueError("must be a whole number in plain digits")
    return int(text)


def _identifier(given: str) -> str:
    fault = text.fault_of_identifier(given)
    if fault is not None:
        raise ValueError(fault)
    return given


def _in_path(given: str) -> str:
    if "/" in given or given.startswith("."):
        raise ValueError("holds `/` or begins with a dot, and could not stand in an address")
    return _identifier(given)


def _label(given: str) -> str:
    fault = text.fault_of_label(given)
    if fault is not None:
        raise ValueError(fault)
    return unicodedata.normalize("NFC", given)


def _must_be_true(value: bool) -> bool:
    if not value:
        raise ValueError("can only be `true` here")
    return value


def matching(
    pattern: str, words: str, shortest: int | None = None, longest: int | None = None
) -> StringConstraints:
    """Text of a form; `words` say what is expected where it has another one."""
    OF_PATTERN[pattern] = words
    return StringConstraints(min_length=shortest, max_length=longest, pattern=pattern)


def _said(
    longest: int, pattern: str, validator: Callable[[str], str]
) -> tuple[
    StringConstraints, AfterValidator, Any
]:  # Any: what `Field` returns is typed as whatever it is assigned to.
    """Text of 1 to `longest` characters. The pattern is published; the validator says in words what is wrong."""
    published = Field(json_schema_extra={"pattern": pattern})
    return StringConstraints(min_length=1, max_length=longest), AfterValidator(validator), published


_IDENTIFIER = partial(_said, pattern=text.IDENTIFIER_PATTERN, validator=_identifier)
_LABEL = partial(_said, pattern=text.LABEL_PATTERN, validator=_label)

Identifier = Annotated[str, *_IDENTIFIER(128)]
PathIdentifier = Annotated[str, *_said(128, text.PATH_IDENTIFIER_PATTERN, _in_path)]
OwnId = Annotated[str, matching(r"^[a-z]+_[a-z0-9]+$", "must be an id that this service gave", 1, 64)]
Name = Annotated[str, *_LABEL(256)]
Word = Annotated[
    str,
    matching(
        r"^[a-z][a-z0-9_]{0,31}$",
        "must be a lower-case word: a letter, then at most 31 letters, digits and `_`",
    ),
]
Reason = Annotated[str, *_LABEL(64)]
Place = Annotated[
    str,
    matching(
        r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$",
        "must be a country or a part of it by ISO 3166, such as `CN` or `CN-31`",
    ),
]
MerchantName = Annotated[str, *_LABEL(64)]
Sentence = Annotated[str, *_LABEL(500)]
DisplayName = Annotated[str, *_LABEL(64)]
DeviceName = Annotated[str, *_LABEL(64)]
Amount = Annotated[int, Field(ge=0, le=LARGEST_AMOUNT)]
Currency = Annotated[
    str, matching(r"^[A-Z]{3}$", "must be the three capital letters of a currency, as ISO 4217 names it")
]
RiskScore = Annotated[int, Field(ge=0, le=100)]
Secret = Annotated[str, matching(r"^[!-~]+$", "must be visible ASCII characters", 1, 256)]
Receipt = Annotated[
    str, matching(r"^[A-Za-z0-9._-]+$", "must be a receipt as this service signed it", 1, 8192)
]
Locale = Annotated[
    str,
    matching(
        r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$",
        "must be a language tag such as `zh-CN` or `en`",
        longest=35,
    ),
]
Nonce = Annotated[
    str, matching(r"^[A-Za-z0-9_.-]+$", "must be the nonce of the step, as it was given", 1, 256)
]
# Typed and pasted by people, with whatever a keyboard or a message puts around it: what is no code is said by whoever reads it.
Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]
OnlyTrue = Annotated[bool, AfterValidator(_must_be_true), WithJsonSchema({"type": "boolean", "const": True})]
ReturnUrl = Annotated[
    str,
    matching(
        r"^(https://[A-Za-z0-9.-]+|http://localhost)(:[0-9]{1,5})?([/?#][!-~]*)?$",
        "must be an address that begins with https://, in ASCII",
        longest=2048,
    ),
]
IpAddress = Annotated[
    str,
    StringConstraints(min_length=2, max_length=45),
    AfterValidator(_ip),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}),
]
Cursor = Annotated[int, BeforeValidator(_decimal), Field(ge=0, le=2**53 - 1)]
Limit = Annotated[int, BeforeValidator(_decimal), Field(ge=1, le=1000)]
ChainCursor = Annotated[str, matching(r"^[!-~]+$", "must be visible ASCII characters", 1, 256)]
Json = dict[str, JsonValue]
AnyValue = JsonValue
"""For hints of a browser, of which a text that is known is taken and anything else passed over."""
AnyJson = dict[str, Any]
"""For answers, which are published but not validated by us."""
