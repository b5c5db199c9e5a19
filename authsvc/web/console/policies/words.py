"""What may stand where in a policy's text, out of its schema: names of keys and their values, for whoever writes. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from authsvc.policy.document import Document

Json = Mapping[str, Any]  # Any: JSON of a schema.

ANY = "*"
"""Stands for a key that the writer names."""


@cache
def words() -> Json:
    """A tree: `keys` of a table and what stands in each of them, `values` as TOML writes them, `list` where several stand."""
    schema = Document.published_schema()
    return _Reader(schema["$defs"]).read(schema)


class _Reader:
    def __init__(self, definitions: Json) -> None:
        self._definitions = definitions

    def read(self, schema: Json) -> Json:
        found: dict[str, Any] = {"keys": {}, "values": [], "list": False}
        for each in self._meant(schema):
            found["keys"] |= {name: self.read(inner) for name, inner in self._members(each)}
            found["values"] += [json.dumps(value, ensure_ascii=False) for value in _stated(each)]
            if "items" in each:
                inner = self.read(each["items"])
                found |= {
                    "list": True,
                    "keys": found["keys"] | inner["keys"],
                    "values": found["values"] + inner["values"],
                }
        return found

    def _meant(self, schema: Json) -> Iterator[Json]:
        """A schema, or each of those that it stands for; None is said by leaving a key out."""
        if "$ref" in schema:
            yield from self._meant(self._definitions[schema["$ref"].rpartition("/")[2]])
        elif kinds := (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            for each in kinds:
                yield from self._meant(each)
        elif schema.get("type") == "boolean" and "const" not in schema:
            yield {"enum": [True, False]}
        else:
            yield schema

    def _members(self, schema: Json) -> Iterator[tuple[str, Json]]:
        yield from schema.get("properties", {}).items()
        others = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
        for inner in others:
            if isinstance(inner, Mapping):
                names = next(self._meant(schema.get("propertyNames", {})), {}).get("enum", [ANY])
                yield from ((name, inner) for name in names)


def _stated(schema: Json) -> list[object]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))
