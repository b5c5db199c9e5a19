"""What is promised to callers, and what of a change breaks the promise: the HTTP contract, policy documents, the client.

python -m tests.support.surface     keeps today's promise in docs/released; `make release` does
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from authsvc import __version__, client, errors
from authsvc.errors import AuthsvcError
from authsvc.policy.document import Document
from tests.support.described import described

RELEASED = Path(__file__).resolve().parents[2] / "docs" / "released"

Json = Any  # A document as it was read: this module is about its shape.

PROSE = frozenset({"description", "title", "summary", "example", "examples", "tags", "default"})
"""What may always change. A default of a request is the service's own choice, and README names those that matter."""

OPEN_WORDS = frozenset({"type", "slug", "error", "action"})
"""Properties of answers that may get new words: events, problems, troubles and acts grow. Callers leave unknown ones aside."""


def surface() -> dict[str, Json]:
    """Today's promise, without prose."""
    api = described()
    kept = ("openapi", "paths", "webhooks", "components")
    return {
        "version": __version__,
        "http": {name: _plain(api[name]) for name in kept},
        "policy": _plain(Document.published_schema()),
        "client": client_surface(),
    }


def released() -> dict[str, Json]:
    """The promise of the last release."""
    found: dict[str, Json] = json.loads((RELEASED / "surface.json").read_text())
    return found


def may_break(before: str, now: str) -> bool:
    """Whether the version says that callers must look: another major one, or another minor one before 1.0.0."""
    old, new = ([int(part) for part in version.split(".")] for version in (before, now))
    return new[0] > old[0] or (old[0] == new[0] == 0 and new[1] > old[1])


def client_surface() -> dict[str, list[str]]:
    """Of each name that a caller may import its fields, or its methods with their parameters."""
    found: dict[str, list[str]] = {}
    for name in client.__all__:
        found.update(_described(name, getattr(client, name)))
    kinds = [
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, AuthsvcError)
    ]
    return found | {f"errors.{each.__name__}": [each.slug] for each in kinds}


def _described(name: str, value: object) -> dict[str, list[str]]:
    if is_dataclass(value) and isinstance(value, type):
        return {name: [each.name for each in fields(value)]}
    if not isinstance(value, type):
        return {name: _parameters(value)} if callable(value) else {name: []}
    methods = {f"{name}.{each}": _parameters(method) for each, method in _methods(value)}
    return {name: []} | methods


def _methods(kind: type) -> Iterator[tuple[str, Callable[..., object]]]:
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if name == "__init__" or not name.startswith("_"):
            yield name, method


def _parameters(called: Any) -> list[str]:
    """`name` where it must be given, `name=` where it may; those that are given by name alone stand behind `*`."""
    words: list[str] = []
    by_name = False
    for each in list(inspect.signature(called).parameters.values()):
        if each.name == "self":
            continue
        if each.kind is inspect.Parameter.KEYWORD_ONLY and not by_name:
            words, by_name = [*words, "*"], True
        words.append(each.name + ("" if each.default is inspect.Parameter.empty else "="))
    return words


def _plain(value: Json, inside: str = "") -> Json:
    """Without prose. A property may be called `description`, and is then none."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        keep_all = inside in {
            "properties",
            "paths",
            "webhooks",
            "schemas",
            "responses",
            "$defs",
            "content",
            "headers",
        }
        return {name: _plain(each, name) for name, each in value.items() if keep_all or name not in PROSE}
    return value


# -- What breaks -----------------------------------------------------------------------------------------------------------


def breaking(before: Mapping[str, Json], now: Mapping[str, Json]) -> list[str]:
    """Everything that a caller of `before` would trip over; a sentence each."""
    found = [*_http(before["http"], now["http"])]
    policy = _Schemas(before["policy"], now["policy"], given=True)
    found += [f"policy: {each}" for each in policy.narrowed(before["policy"], now["policy"], "")]
    return [*found, *_client(before["client"], now["client"])]


def _http(before: Json, now: Json) -> Iterator[str]:
    for path, methods in before["paths"].items():
        for method, operation in methods.items():
            other = now["paths"].get(path, {}).get(method)
            if other is None:
                yield f"{method.upper()} {path} is gone"
            else:
                yield from (
                    f"{method.upper()} {path}: {each}" for each in _operation(before, now, operation, other)
                )
    for tag, hook in before["webhooks"].items():
        if tag not in now["webhooks"]:
            yield f"webhook {tag} is gone"
            continue
        old, new = (each["post"]["requestBody"] for each in (hook, now["webhooks"][tag]))
        yield from (
            f"webhook {tag}: {each}" for each in _bodies(_Schemas(before, now, given=False), old, new)
        )


def _operation(before: Json, now: Json, old: Json, new: Json) -> Iterator[str]:
    if old["security"] != new["security"]:
        yield "another credential is asked for"
    given = _Schemas(before, now, given=True)
    were, are = (
        {(each["in"], each["name"]): each for each in side.get("parameters", ())} for side in (old, new)
    )
    for key, parameter in were.items():
        if key not in are:
            yield f"parameter {key[1]} is gone"
        else:
            yield from given.narrowed(parameter["schema"], are[key]["schema"], f"parameter {key[1]}")
    for key, parameter in are.items():
        if parameter["required"] and not were.get(key, {}).get("required"):
            yield f"parameter {key[1]} is required"
    yield from _bodies(given, old.get("requestBody"), new.get("requestBody"))
    returned = _Schemas(before, now, given=False)
    for status, answer in old["responses"].items():
        if status not in new["responses"]:
            yield f"answer {status} is gone"
        elif "$ref" not in answer:
            yield from _contents(returned, answer, new["responses"][status], f"answer {status}")


def _bodies(schemas: _Schemas, old: Json, new: Json) -> Iterator[str]:
    if new is not None and new.get("required") and not (old or {}).get("required"):
        yield "a body is required"
    if old is None:
        return
    if new is None:
        yield "the body is gone"
        return
    yield from _contents(schemas, old, new, "body")


def _contents(schemas: _Schemas, old: Json, new: Json, where: str) -> Iterator[str]:
    for media, content in old.get("content", {}).items():
        other = new.get("content", {}).get(media)
        if other is None:
            yield f"{where}: {media} is gone"
        else:
            yield from schemas.narrowed(content.get("schema", {}), other.get("schema", {}), where)


class _Schemas:
    """Compares two schemas. `given`: what a caller sends, which may only widen; otherwise what it gets, which may only narrow."""

    def __init__(self, before: Json, now: Json, *, given: bool) -> None:
        self._before, self._now, self._given = before, now, given
        self._seen: set[tuple[str, str]] = set()

    def narrowed(self, old: Json, new: Json, where: str) -> Iterator[str]:
        if "$ref" in old and "$ref" in new:
            pair = (old["$ref"], new["$ref"])
            if pair in self._seen:
                return
            self._seen.add(pair)
        olds, news = self._ways(old, self._before), self._ways(new, self._now)
        needed, offered = (olds, news) if self._given else (news, olds)
        for kind in needed:
            if kind not in offered:
                yield f"{where}: {kind} is {'no longer taken' if self._given else 'new'}"
            else:
                yield from self._same_kind(olds[kind], news[kind], where)

    def _ways(self, schema: Json, root: Json) -> dict[str, Json]:
        """The kinds of value that a schema allows."""
        while "$ref" in schema:
            found = root
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        for joined in ("anyOf", "oneOf"):
            if joined in schema:
                ways: dict[str, Json] = {}
                for each in schema[joined]:
                    ways |= self._ways(each, root)
                return ways
        kinds = schema.get("type", "anything")
        return dict.fromkeys(kinds if isinstance(kinds, list) else [kinds], schema)

    def _same_kind(self, old: Json, new: Json, where: str) -> Iterator[str]:
        yield from self._words(old, new, where)
        if self._given:
            yield from _bounds(old, new, where)
        yield from self._properties(old, new, where)
        for inner in ("items", "additionalProperties"):
            if isinstance(old.get(inner), Mapping) and isinstance(new.get(inner), Mapping):
                yield from self.narrowed(old[inner], new[inner], f"{where}[]")

    def _words(self, old: Json, new: Json, where: str) -> Iterator[str]:
        were, are = _enum(old), _enum(new)
        if self._given:
            gone = set() if are is None else (were - are if were is not None else {"any other"})
            yield from (f"{where}: `{each}` is no longer taken" for each in sorted(map(str, gone)))
        elif were is not None and where.rsplit(".", 1)[-1] not in OPEN_WORDS:
            fresh = {"any other"} if are is None else are - were
            yield from (f"{where}: `{each}` is new" for each in sorted(map(str, fresh)))

    def _properties(self, old: Json, new: Json, where: str) -> Iterator[str]:
        were, are = old.get("properties", {}), new.get("properties", {})
        for name, schema in were.items():
            inside = f"{where}.{name}"
            if name not in are:
                yield f"{inside} is gone"
                continue
            if not self._given and name in old.get("required", ()) and name not in new.get("required", ()):
                yield f"{inside} may be absent"
            yield from self.narrowed(schema, are[name], inside)
        if self._given:
            for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
                yield f"{where}.{name} is required"


def _enum(schema: Json) -> set[Json] | None:
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None


_FLOORS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_CEILINGS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def _bounds(old: Json, new: Json, where: str) -> Iterator[str]:
    for name in (*_FLOORS, *_CEILINGS):
        was, now = old.get(name), new.get(name)
        if now is not None and (was is None or (now > was if name in _FLOORS else now < was)):
            yield f"{where}: {name} is {now}"
    # Whether one expression takes all that another does is more than this wants to know.
    for name in ("pattern", "format", "uniqueItems"):
        if new.get(name) is not None and new.get(name) != old.get(name):
            yield f"{where}: {name} is another"


def _client(before: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> Iterator[str]:
    for name, were in before.items():
        if name not in now:
            yield f"client: {name} is gone"
            continue
        are = now[name]
        if name.startswith("errors."):
            yield from () if are == were else (f"client: {name} stands for another problem",)
            continue
        plain = [word.removesuffix("=") for word in are]
        yield from (f"client: {name}: {word} is gone" for word in were if word.removesuffix("=") not in plain)
        fresh = [
            word for word in are if word.removesuffix("=") not in [each.removesuffix("=") for each in were]
        ]
        if "." in name or name.islower():
            yield from (
                f"client: {name}: {word} must be given" for word in fresh if word != "*" and "=" not in word
            )
            yield from (
                f"client: {name}: {word} must be given" for word in are if f"{word}=" in were and word != "*"
            )
            if were[: were.index("*") if "*" in were else None] != _same_places(were, are):
                yield f"client: {name}: its parameters stand in another order"


def _same_places(were: list[str], are: list[str]) -> list[str]:
    """Those that are given by place, as far as there were some, with the words of before where they are the same."""
    count = were.index("*") if "*" in were else len(were)
    placed = are[: are.index("*") if "*" in are else None][:count]
    return [
        old if old.removesuffix("=") == new.removesuffix("=") else new
        for old, new in zip(were[:count], placed, strict=False)
    ]


if __name__ == "__main__":
    RELEASED.mkdir(exist_ok=True)
    text = json.dumps(surface(), ensure_ascii=False, indent=1, sort_keys=True)
    (RELEASED / "surface.json").write_text(text + "\n")
