"""What `fields.toml` says of each property, put into the OpenAPI document, and an example of every body made of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from authsvc.factor import Json

_REFERENCE = "#/components/schemas/"
_OF_A_TYPE: Mapping[str, object] = {
    "boolean": False,
    "integer": 1,
    "number": 1.0,
    "object": {},
    "string": "…",
}


@dataclass(frozen=True, slots=True)
class Fields:
    """`said` by property, or by `Schema.property` where it means something of its own there; `bodies` by schema.

    `parameters` by the name of what stands in an address or a header, or by `chapter.name`. `answers` by call, with what
    sets its example apart from that of the schema; `notifications` by type, with what each says.
    """

    said: Mapping[str, list[Any]]  # Any: examples are JSON.
    bodies: Mapping[str, Json]
    parameters: Mapping[str, list[Any]]
    answers: Mapping[str, Json]
    notifications: Mapping[str, Json]

    def of(self, schema: str, name: str) -> list[Any]:
        """The sentence, and the example if there is one; raises KeyError for a property that nobody described."""
        return self.said.get(f"{schema}.{name}") or self.said[name]


@cache
def fields() -> Fields:
    read = tomllib.loads(files("authsvc.web").joinpath("fields.toml").read_text("utf-8"))
    parts = {part: read.pop(part) for part in ("bodies", "parameters", "answers", "notifications")}
    return Fields(said=read, **parts)


def describe(schemas: Mapping[str, Any]) -> None:
    """Give every property its sentence, and its example."""
    for schema, name, found in _properties(schemas):
        sentence, *example = fields().of(schema, name)
        found["description"] = sentence
        if example:
            found["examples"] = example


def parameter(tag: str, name: str, where: str, schema: Json, *, required: bool, call: str = "") -> Json:
    """An OpenAPI Parameter Object with its sentence and example, which may be the call's or the chapter's own."""
    known = fields().parameters
    sentence, example = known.get(f"{call}.{name}") or known.get(f"{tag}.{name}") or known[name]
    return {
        "name": name,
        "in": where,
        "required": required,
        "description": sentence,
        "schema": schema,
        "example": example,
    }


def answer_of(call: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Json:
    """The example of what a call answers: the schema's, but for what is said of this call."""
    own: dict[str, Any] = dict(fields().answers.get(call, {}))
    absent = own.pop("absent", ())
    return {**example_of(schema, schemas), **own, **dict.fromkeys(absent)}


def with_examples(document: Any, schemas: Mapping[str, Any]) -> None:  # Any: whatever JSON holds.
    """Give every media type that has a schema an example of it, however deep it stands."""
    if isinstance(document, list):
        for each in document:
            with_examples(each, schemas)
    elif isinstance(document, dict):
        for media in (
            document.get("content", {}).values() if isinstance(document.get("content"), dict) else ()
        ):
            media.setdefault("example", example_of(media["schema"], schemas))
        for each in document.values():
            with_examples(each, schemas)


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """A value that the schema admits, made of the examples of its properties."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REFERENCE)
        body = fields().bodies.get(name)
        return example_of(schemas[name], schemas) if body is None else _whole(body, schemas[name], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    for key in ("const", "default"):
        if schema.get(key) is not None:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    if "properties" in schema:
        return {name: example_of(found, schemas) for name, found in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    return _OF_A_TYPE.get(schema.get("type", ""))


def _whole(said: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """With null for whatever is required and was not said, at every depth: TOML has no null."""
    schema = schema.get("anyOf", [schema])[0]
    schema = schemas[schema["$ref"].removeprefix(_REFERENCE)] if "$ref" in schema else schema
    if isinstance(said, list) and "items" in schema:
        return [_whole(each, schema["items"], schemas) for each in said]
    if isinstance(said, dict) and "properties" in schema:
        inner = {name: _whole(each, schema["properties"][name], schemas) for name, each in said.items()}
        return {**dict.fromkeys(schema.get("required", ())), **inner}
    return said


def _properties(schemas: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for schema, found in schemas.items():
        for name, each in found.get("properties", {}).items():
            yield schema, name, each
