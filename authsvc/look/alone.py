"""A page in one file, for whoever it is handed to: Chinese and English beside each other. It loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_POLICY = (
    """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; """
    """base-uri 'none'; form-action 'none'">"""
)
"""Whatever somebody wrote into what the page shows: pictures stand in it, and nothing else does."""

_STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #595959; --wash: #8881; }
@media (prefers-color-scheme: dark) { :root { --soft: #b0b0b0; } }
body { font: 16px/1.5 system-ui, "PingFang SC", "Noto Sans SC", sans-serif; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.en { color: var(--soft); font-weight: normal; }
table { border-collapse: collapse; width: 100%; }
th, td { border-top: 1px solid var(--line); padding: .4rem .6rem; text-align: left; vertical-align: top; }
code { font-size: .85em; overflow-wrap: anywhere; }
.verdict { border: 1px solid var(--line); border-left: .4rem solid; padding: .6rem .9rem; margin: 1rem 0; }
.good { border-left-color: #1a7f37; } .bad { border-left-color: #cf222e; } .open { border-left-color: #999; }
"""


def document(title: str, parts: Iterable[str], style: str = "") -> str:
    """The file. `title` is text, `parts` are markup, `style` is what this page has besides."""
    named = escape(title)
    head = f'<meta charset="utf-8">{_POLICY}<meta name="viewport" content="width=device-width"><title>{named}</title>'
    body = f"<body><h1>{named}</h1>{''.join(parts)}</body>"
    return f'<!doctype html>\n<html lang="zh">{head}<style>{_STYLE}{style}</style>{body}</html>\n'


def both(zh: str, en: str) -> str:
    """The same in both languages."""
    return f'{zh} <span class="en">{en}</span>'
