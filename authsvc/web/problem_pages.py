"""What a problem means, for whoever follows its `type`: a plain page for people, JSON for machines."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from authsvc.web.problems import Problem
from authsvc.web.replies import Reply, json_reply

_STYLE = (
    "body{font:1rem/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}"
    "code{font-family:ui-monospace,monospace}h1{font-size:1.5rem}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#e8e8e8}a{color:#9cf}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = (
    (
        "Content-Security-Policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("Cache-Control", "public, max-age=3600"),
    ("Vary", "Accept"),
)


def as_json(problem: Problem) -> Reply:
    """One explanation as JSON."""
    said = {name: getattr(problem, name) for name in ("slug", "status", "title", "en", "zh")}
    return json_reply(said)._replace(headers=_HEADERS[1:])


def as_page(problem: Problem) -> Reply:
    """One explanation as HTML, in both languages."""
    return _page(
        problem.title,
        f"<h1>{escape(problem.title)}</h1>"
        f"<p><code>{problem.slug}</code> · HTTP {problem.status}</p>"
        f'<p lang="en">{_text(problem.en)}</p><p lang="zh">{_text(problem.zh)}</p>'
        '<p><a href="/v1/problems">All problems</a></p>',
    )


def index(problems: Iterable[Problem]) -> Reply:
    """All of them, by status."""
    rows = "".join(
        f'<li>{each.status} <a href="/v1/problems/{each.slug}"><code>{each.slug}</code></a> {escape(each.title)}</li>'
        for each in problems
    )
    return _page("Problems", f"<h1>Problems</h1><ul>{rows}</ul>")


def _page(title: str, content: str) -> Reply:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} · authsvc</title><style>{_STYLE}</style></head><body>{content}</body></html>"
    )
    return Reply(html.encode(), media="text/html; charset=utf-8", headers=_HEADERS)


def _text(sentence: str) -> str:
    """Backticks are code."""
    parts = escape(sentence).split("`")
    return "".join(part if index % 2 == 0 else f"<code>{part}</code>" for index, part in enumerate(parts))
