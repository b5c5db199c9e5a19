"""The field types of the API's requests: each says how long, of which characters and in which range.

For `requests` and `openapi`, so that what is published is what is refused.
"""

from __future__ import annotations

import ipaddress
import re
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

from authsvc.payment import LARGEST_AMOUNT

# Control characters break logs and databases; direction marks make one name read as another (see `payment.clean_text`).
_UNSEEN = r"\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SEEN = rf"^[^{_UNSEEN}]+$"
# What stands in a path must come back out of it: no slash, and no dot in front, which clients resolve away.
_IN_PATH = rf"^[^./{_UNSEEN}][^/{_UNSEEN}]*$"


class Wanted(BaseModel):
    """A part of a request: unknown fields are refused, and `"1"` is not 1."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _ip(text: str) -> str:
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


def _must_be_true(value: bool) -> bool:
    if not value:
        raise ValueError("can only be `true` here")
    return value


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=_SEEN)]
PathIdentifier = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=_IN_PATH)]
OwnId = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z]+_[a-z0-9]+$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=_SEEN)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_SEEN)]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_SEEN)]
DisplayName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_SEEN)]
DeviceName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_SEEN)]
Amount = Annotated[int, Field(ge=0, le=LARGEST_AMOUNT)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
RiskScore = Annotated[int, Field(ge=0, le=100)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[!-~]+$")]
Receipt = Annotated[str, StringConstraints(min_length=1, max_length=8192, pattern=r"^[A-Za-z0-9._-]+$")]
Locale = Annotated[str, StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
Nonce = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9_.-]+$")]
# Typed by people, who have full-width digits and more than one hyphen: what is no code is said by whoever reads it.
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_SEEN)]
OnlyTrue = Annotated[bool, AfterValidator(_must_be_true), WithJsonSchema({"type": "boolean", "const": True})]
ReturnUrl = Annotated[
    str,
    StringConstraints(
        max_length=2048,
        pattern=r"^(https://[A-Za-z0-9.-]+|http://localhost)(:[0-9]{1,5})?([/?#][!-~]*)?$",
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
ChainCursor = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[!-~]+$")]
Json = dict[str, JsonValue]
AnyValue = JsonValue
"""For hints of a browser, of which a text that is known is taken and anything else passed over."""
AnyJson = dict[str, Any]
"""For answers, which are published but not validated by us."""
