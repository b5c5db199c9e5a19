"""From TOML, JSON or a mapping to a policy that may be used, or to everything that is wrong with it.

A document is read (syntax), checked (schema), kept from loosening (no rule with an upper bound), put to its own tests,
and refused for false match rates that no calibration at hand supports. Each fault names its place in the document and,
where a file tells, its line.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import rfc8785
from pydantic import ValidationError

from authsvc.errors import PolicyInvalid
from authsvc.policy.document import Document
from authsvc.policy.engine import Policy
from authsvc.policy.faults import Fault, schema_fault
from authsvc.policy.life import Form, Source
from authsvc.policy.promises import failure_of
from authsvc.policy.thresholds import Model, unsupported
from authsvc.policy.whereabouts import line_of, lines_of


@cache
def shipped() -> Policy:
    """The policy that authsvc starts with: `default.toml` beside this file."""
    source = resources.files("authsvc.policy").joinpath("default.toml")
    return from_toml(source.read_text(encoding="utf-8"), source.name)


@cache
def shipped_source() -> Source:
    """The shipped document as it stands in its file."""
    text = resources.files("authsvc.policy").joinpath("default.toml").read_text(encoding="utf-8")
    return Source(text, "toml", digest_of(text, "toml"))


def source_of(path: Path) -> Source:
    """A file's document as its author wrote it; raises PolicyInvalid."""
    form: Form = "json" if path.suffix == ".json" else "toml"
    text = path.read_text(encoding="utf-8")
    return Source(text, form, digest_of(text, form, path.name))


def from_file(path: Path, *, for_analysis: bool = False, models: Sequence[Model] = ()) -> Policy:
    """A policy from a `.toml` or `.json` file; raises PolicyInvalid, whose `findings` name file and line."""
    read = from_json if path.suffix == ".json" else from_toml
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _invalid([Fault((), "not UTF-8").at(path.name, None)]) from error
    return read(text, path.name, for_analysis=for_analysis, models=models)


def from_toml(
    text: str, source: str = "document", *, for_analysis: bool = False, models: Sequence[Model] = ()
) -> Policy:
    """A policy from TOML; the rest as in `from_mapping`. Raises PolicyInvalid."""
    mapping = _parsed(tomllib.loads, text, "TOML", source)
    lines = lines_of(text)
    checks = Checks(for_analysis, models)
    return _policy(mapping, checks, lambda fault: fault.at(source, line_of(lines, fault.path)))


def from_json(
    text: str, source: str = "document", *, for_analysis: bool = False, models: Sequence[Model] = ()
) -> Policy:
    """A policy from JSON text, in which no key may stand twice. Raises PolicyInvalid."""
    mapping = _parsed_json(text, source)
    return _policy(mapping, Checks(for_analysis, models), lambda fault: fault.at(source, None))


def from_text(
    text: str,
    form: Form,
    source: str = "document",
    *,
    for_analysis: bool = False,
    models: Sequence[Model] = (),
) -> Policy:
    """A policy from TOML or JSON text, whichever `form` says; the rest as in `from_mapping`. Raises PolicyInvalid."""
    read = from_toml if form == "toml" else from_json
    return read(text, source, for_analysis=for_analysis, models=models)


def digest_of(text: str, form: Form, source: str = "document") -> str:
    """The digest of a text that need not be a policy yet, but a table; raises PolicyInvalid where it is none."""
    mapping = _parsed(tomllib.loads, text, "TOML", source) if form == "toml" else _parsed_json(text, source)
    if not isinstance(mapping, dict):
        raise _invalid([Fault((), "a policy is a table of keys").at(source, None)])
    return f"sha256:{hashlib.sha256(_canonical(mapping, lambda fault: fault.at(source, None))).hexdigest()}"


def from_mapping(
    mapping: Mapping[str, object], *, for_analysis: bool = False, models: Sequence[Model] = ()
) -> Policy:
    """A policy from the mapping that TOML and JSON share; its digest is that of the mapping's RFC 8785 form.

    Raises PolicyInvalid with every fault. `for_analysis` leaves out the checks that follow the schema, so that a document
    that loosens or fails its own tests can be shown for what it does; such a policy is never to decide anything.
    `models` are those that compare templates here: a false match rate that one of them cannot claim is a fault.
    """
    return _policy(mapping, Checks(for_analysis, models), lambda fault: fault)


class Checks(NamedTuple):
    """What is asked of a document beyond its schema."""

    for_analysis: bool
    models: Sequence[Model]

    def faults(self, policy: Policy) -> Iterator[Fault]:
        if not self.for_analysis:
            yield from _loosening(policy.document)
            yield from _failed_tests(policy)
            yield from unsupported(policy.document, self.models)


def _policy(mapping: Any, checks: Checks, place: Callable[[Fault], Fault]) -> Policy:
    # Any: nothing is known of the document yet; the schema is what finds out.
    canonical = _canonical(mapping, place)
    try:
        document = Document.model_validate_json(canonical, strict=True)
    except ValidationError as error:
        raise _invalid([place(schema_fault(details, mapping)) for details in error.errors()]) from error
    policy = Policy(document, canonical)
    if faults := list(checks.faults(policy)):
        raise _invalid([place(fault) for fault in faults])
    return policy


def _canonical(mapping: Any, place: Callable[[Fault], Fault]) -> bytes:
    try:
        return rfc8785.dumps(mapping)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        fault = Fault((), f"the document holds something that JSON cannot: {error}")
        raise _invalid([place(fault)]) from error


def _parsed_json(text: str, source: str) -> object:
    return _parsed(lambda text: json.loads(text, object_pairs_hook=_unique), text, "JSON", source)


def _parsed(parse: Callable[[str], object], text: str, language: str, source: str) -> object:
    try:
        return parse(text)
    except (ValueError, RecursionError) as error:
        raise _invalid([Fault((), f"not {language}: {error}").at(source, None)]) from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key `{twice}` stands twice in one object")
    return dict(pairs)


def _loosening(document: Document) -> Iterator[Fault]:
    for number, rule in enumerate(document.rules):
        for condition in rule.conditions:
            if condition.loosens:
                text = f"`{condition.key}` in rule `{rule.id}` lets a riskier payment escape; conditions of a rule only tighten"
                yield Fault(("rules", number, condition.key), text)


def _failed_tests(policy: Policy) -> Iterator[Fault]:
    for number, test in enumerate(policy.document.tests):
        if (failure := failure_of(policy, test)) is not None:
            yield Fault(("tests", number), f"test `{test.name}`: {failure}")


def _invalid(faults: list[Fault]) -> PolicyInvalid:
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return PolicyInvalid(f"{faults[0]}{more}", findings=[fault.to_json() for fault in faults])
