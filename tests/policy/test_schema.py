"""The published JSON Schema is that of this version, and agrees with the parser about what a document is."""

import json
import tomllib
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from authsvc.policy.document import Document
from tests.policy.builders import POLICIES, mapping

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "policy.schema.json"


def test_the_published_file_is_what_the_command_prints() -> None:
    """Made again with `authsvc policy schema > docs/policy.schema.json`."""
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == Document.published_schema()


@pytest.mark.parametrize("name", ["cn.toml", "default.toml", "psd2.toml"])
def test_shipped_documents_are_valid_under_it(name: str) -> None:
    text = resources.files("authsvc.policy").joinpath(name).read_text(encoding="utf-8")

    jsonschema.Draft202012Validator(Document.published_schema()).validate(tomllib.loads(text))


@pytest.mark.parametrize("name", ["typing-error", "wrong-type", "no-rules"])
def test_it_refuses_what_the_parser_refuses(name: str) -> None:
    document = tomllib.loads((POLICIES / f"{name}.toml").read_text(encoding="utf-8"))

    assert list(jsonschema.Draft202012Validator(Document.published_schema()).iter_errors(document))


def test_it_is_a_schema_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(Document.published_schema())
    assert list(jsonschema.Draft202012Validator(Document.published_schema()).iter_errors(mapping())) == []
