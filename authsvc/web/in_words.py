"""What is wrong with a field, in words: nobody should have to read a regular expression to learn what was expected.

For `body`. The types of `words` say beside each pattern what it means; what they raise themselves is in words already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OF_PATTERN: dict[str, str] = {}
"""What a pattern asks for, by the pattern."""

_ANY_PATTERN = "holds characters that are not accepted here"
_WHOLE_NUMBER = "must be a whole number such as `125000`: no quotes, no point, no exponent"

_OF_TYPE: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not known here",
    "string_type": "must be text, in quotes",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_unicode": "must be well-formed Unicode",
    "int_type": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": "is a larger number than any that is accepted",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "bool_type": "must be `true` or `false`, without quotes",
    "model_type": "must be an object, in braces",
    "model_attributes_type": "must be an object, in braces",
    "dict_type": "must be an object, in braces",
    "tuple_type": "must be a list, in brackets",
    "too_long": "must have at most {max_length} members",
    "too_short": "must have at least {min_length} members",
    "enum": "must be one of {expected}",
    "literal_error": "must be {expected}",
}


def said(fault: Mapping[str, Any]) -> str:  # Any: one of the error details of pydantic.
    """A fault of a validation as a sentence without its subject; never repeats what was sent."""
    context, kind = fault.get("ctx", {}), fault["type"]
    if kind == "string_pattern_mismatch":
        return OF_PATTERN.get(str(context.get("pattern")), _ANY_PATTERN)
    if kind in _OF_TYPE:
        return _OF_TYPE[kind].format(**context).replace("'", "`")
    text: str = fault["msg"].removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
