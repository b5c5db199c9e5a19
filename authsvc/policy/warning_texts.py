"""The words of a warning, in Chinese and English: shipped in `warnings.toml` beside this file, replaced by an operator's file.

A text has a digest, so that a decision says which words its payer read.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from authsvc.canonical import canonical
from authsvc.errors import ConfigurationError
from authsvc.policy.warnings import Scam

LARGEST_FILE = 64 * 1024

Language = Literal["zh-CN", "en"]
Heading = Annotated[str, Field(min_length=1, max_length=60)]
Sentence = Annotated[str, Field(min_length=1, max_length=200)]


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Words):
    """What one kind of warning says in one language."""

    heading: Heading
    sentences: Annotated[tuple[Sentence, ...], Field(min_length=1, max_length=4)]


class Question(_Words):
    """What a strict warning asks, and its answers by their names."""

    asks: Heading
    own_decision: Sentence
    asked: Sentence
    unsure: Sentence


class _File(_Words):
    question: dict[Language, Question] = Field(default_factory=dict)
    kinds: dict[Scam, dict[Language, Text]] = Field(default_factory=dict)


class WarningTexts:
    """All words of a service."""

    def __init__(self, question: Mapping[Language, Question], kinds: Mapping[Scam, Mapping[Language, Text]]):
        self._question = question
        self._kinds = kinds

    def text(self, kind: str) -> Mapping[str, Mapping[str, Any]]:  # Any: JSON.
        """By language: heading, sentences and the question with its answers."""
        return {
            language: {**text.model_dump(mode="json"), "question": self._question[language].model_dump()}
            for language, text in self._kinds[Scam(kind)].items()
        }

    def digest(self, kind: str) -> str:
        """`sha256:` and 64 hexadecimal digits over the RFC 8785 form of `text`."""
        return f"sha256:{hashlib.sha256(canonical(self.text(kind)).encode()).hexdigest()}"


@cache
def shipped_texts() -> WarningTexts:
    file = _shipped()
    return WarningTexts(file.question, file.kinds)


def texts_of(path: Path | None) -> WarningTexts:
    """The shipped words with those of a file in their place; raises ConfigurationError, naming what is wrong with it."""
    if path is None:
        return shipped_texts()
    shipped, own = _shipped(), _read(path)
    kinds = {kind: {**texts, **own.kinds.get(kind, {})} for kind, texts in shipped.kinds.items()}
    return WarningTexts({**shipped.question, **own.question}, kinds)


def _shipped() -> _File:
    source = resources.files("authsvc.policy").joinpath("warnings.toml")
    return _parsed(source.read_text(encoding="utf-8"))


def _read(path: Path) -> _File:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
        if len(raw) > LARGEST_FILE:
            raise ConfigurationError(f"the file of warnings `{path}` is larger than {LARGEST_FILE} bytes")
        return _parsed(raw.decode())
    except OSError as error:
        raise ConfigurationError(f"the file of warnings `{path}` cannot be read: {error.strerror}") from error
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise ConfigurationError(f"the file of warnings `{path}`: `{place}`: {fault['msg']}") from error
    except ValueError as error:
        raise ConfigurationError(f"the file of warnings `{path}` is not TOML: {error}") from error


def _parsed(text: str) -> _File:
    return _File.model_validate(tomllib.loads(text))
