"""What a person reads on a page: its text and its spoken names, without ids, code and what somebody has typed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from html.parser import HTMLParser

LATIN = re.compile(r"[A-Za-z][A-Za-z'’.-]*")

NAMES = frozenset(
    re.findall(
        r"\S+",
        """authsvc API JSON TOML CSV PIN NIST PSD RTS SP UTC FMR FNMR DET Cllr TOTP SMS AES-GCM SHA OpenAPI HTTP WebAuthn QR
        ID JR T ISO TLS URL App Ctrl curl CNY EUR USD JPY IP NFC Unicode UTF English Windows Hello Android Authorization""",
    )
)
"""Names of products, standards, formats and currencies, and the other language's own name: the same in every language."""

_UNREAD = frozenset({"code", "pre", "textarea", "script", "style", "bdi", "svg"})
_SPOKEN = ("aria-label", "title", "alt", "data-done", "data-missing", "data-wrong", "data-waiting")
_EMPTY = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)


class Reader(HTMLParser):
    """Collects sentences in `said`; a tag within SVG is unread except for its title."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._is_hidden():
            spoken = dict(attrs)
            # A code as a tool tip stands beside its own word.
            self.said += [spoken[name] or "" for name in _SPOKEN if name in spoken and name != "title"]
        if tag not in _EMPTY:
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._is_hidden():
            self.said.append(" ".join(data.split()))

    def _is_hidden(self) -> bool:
        return not _UNREAD.isdisjoint(self._within) and self._within[-1] != "title"


def read(page: str) -> list[str]:
    """The sentences of a page of HTML, in their order."""
    reader = Reader()
    reader.feed(page)
    return reader.said


def latin_in(page: str, names: Collection[str] = ()) -> Iterator[str]:
    """Sentences that hold a Latin word which is no name; `names` are the page's own (operators, users, devices)."""
    for said in read(page):
        bare = said
        for name in sorted(names, key=len, reverse=True):
            bare = bare.replace(name, "")
        if any(word.strip(".'’-") not in NAMES for word in LATIN.findall(_without_ids(bare))):
            yield said


_IDS = re.compile(r"\b[a-z]{1,6}_[A-Za-z0-9…]+|\b\S+@\S+|SP 800-63B-4|https?://\S+|[\w./-]+\.(?:toml|py)\b")


def _without_ids(text: str) -> str:
    return _IDS.sub("", text)
