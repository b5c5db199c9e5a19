"""What anybody sees who comes without a ticket: a page that says what this is, and the API's document for readers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response
from markupsafe import Markup, escape

from authsvc.errors import NotFound
from enrollment.api import Json, openapi
from enrollment.flows import flows
from enrollment.rendering import page

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@dataclass(frozen=True, slots=True)
class Row:
    """A property or a parameter: what it is called, of which type, whether it must be there, and what it means."""

    name: str
    type: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent or comes back: `status` is empty for a request."""

    status: str
    media: str
    rows: tuple[Row, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Call:
    """One operation, or one event for a receiver of webhooks, whose `method` is empty."""

    method: str
    path: str
    summary: str
    description: str
    scheme: str
    parameters: tuple[Row, ...] = ()
    request: Body | None = None
    answers: tuple[Body, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()

    @property
    def anchor(self) -> str:
        return "".join(each if each.isalnum() else "-" for each in f"{self.method}{self.path}".lower())


Chapters = dict[str, tuple[str, list[Call]]]
"""By name: what the chapter is about, and its calls."""


def reference_pages(api: WSGIApplication, base_url: str) -> Blueprint:
    blueprint = Blueprint("reference", "enrollment")

    @cache  # The document stays as it is for as long as the process lives; a failure is not kept.
    def read() -> tuple[Json, Chapters]:
        document = openapi(api, base_url)
        return document, chapters_of(document)

    @blueprint.get("/")
    def home() -> Response:
        return page("reference/home.html")

    @blueprint.get("/docs")
    def docs() -> Response:
        document, chapters = read()
        return page("reference/docs.html", document=document, chapters=chapters)

    @blueprint.get("/docs/flows")
    def drawn() -> Response:
        _, chapters = read()
        return page("reference/flows.html", flows=flows(), chapters=chapters)

    @blueprint.get("/docs/<name>")
    def chapter(name: str) -> Response:
        _, chapters = read()
        if name not in chapters:
            raise NotFound("there is no such chapter")
        text, calls = chapters[name]
        return page("reference/chapter.html", name=name, text=text, calls=calls, chapters=chapters)

    return blueprint


def chapters_of(document: Json) -> Chapters:
    chapters: Chapters = {tag["name"]: (tag["description"], []) for tag in document["tags"]}
    for call, chapter in calls_of(document):
        chapters[chapter][1].append(call)
    return chapters


def calls_of(document: Json) -> Iterator[tuple[Call, str]]:
    """Every operation and every webhook with its chapter, in the document's order."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield _call(document, method.upper(), path, operation), operation["tags"][0]
    for name, item in document["webhooks"].items():
        yield _call(document, "", name, item["post"]), item["post"]["tags"][0]


def _call(document: Json, method: str, path: str, operation: Json) -> Call:
    bodies = [(status, _followed(document, answer)) for status, answer in operation["responses"].items()]
    security = [name for each in operation.get("security", ()) for name in each]
    return Call(
        method,
        path,
        operation["summary"],
        operation.get("description", ""),
        document["components"]["securitySchemes"][security[0]]["description"] if security else "",
        tuple(
            Row(each["name"], _type(each["schema"]), each["required"], each["description"])
            for each in operation.get("parameters", ())
        ),
        next(_bodies(document, "", operation.get("requestBody", {})), None),
        tuple(
            body
            for status, answer in bodies
            if status.startswith("2")
            for body in _bodies(document, status, answer)
        ),
        tuple((status, answer["description"]) for status, answer in bodies if not status.startswith("2")),
    )


def _bodies(document: Json, status: str, described: Json) -> Iterator[Body]:
    for media, found in described.get("content", {}).items():
        rows = tuple(_rows(document, found["schema"]))
        yield Body(status, media, rows, _pretty(found["example"]))


def _rows(document: Json, schema: Json, prefix: str = "") -> Iterator[Row]:
    """The properties, those of nested objects below them with a dot."""
    found = _followed(document, schema)
    for name, each in found.get("properties", {}).items():
        required = name in found.get("required", ())
        yield Row(f"{prefix}{name}", _type(each), required, each.get("description", ""))
        if prefix.count(".") < 2:
            yield from _rows(document, _inner(each), f"{prefix}{name}.")


def _inner(schema: Json) -> Json:
    """The object behind a list or a `null`."""
    if "anyOf" in schema:
        return _inner(schema["anyOf"][0])
    return _inner(schema["items"]) if schema.get("type") == "array" and schema.get("items") else schema


def _followed(document: Json, schema: Json) -> Json:
    for part in schema["$ref"].removeprefix("#/").split("/") if "$ref" in schema else ():
        document = document[part]
    return document if "$ref" in schema else schema


def _type(schema: Mapping[str, Any]) -> str:
    """In a reader's words: `string, null`, `list of Device`."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return ", ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if "const" in schema:
        return json.dumps(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "any"))


def code(text: str) -> Markup:
    """A sentence in which what stands between backticks is code."""
    parts = text.split("`")
    return Markup("").join(
        escape(part) if at % 2 == 0 else Markup("<code>{}</code>").format(part)
        for at, part in enumerate(parts)
    )


def _pretty(example: object) -> str:
    return example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
