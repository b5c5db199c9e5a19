"""Chinese as a payment company writes it: every sentence that a person can read, by the glossary and in one way of writing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import authsvc
import enrollment

ROOTS = (Path(authsvc.__file__).parent, Path(enrollment.__file__).parent)
GLOSSARY = ROOTS[0].parent / "docs" / "glossary.md"

_CHINESE = r"[\u3400-\u9fff]"
_HALF_WIDTH = re.compile(
    rf"{_CHINESE}\s*[,;:!?]|[,;:!?]\s*{_CHINESE}|{_CHINESE}\.(?!\w)|{_CHINESE}\s*\(|\)\s*{_CHINESE}|…(?<!……)(?!…)"
)
_SPACED = re.compile(rf"{_CHINESE}\d|\d{_CHINESE}")
_QUOTED = re.compile(r'"([^"]*)"')


def catalogues() -> list[Path]:
    return sorted(path for root in ROOTS for path in root.rglob("zh*.po"))


def translated() -> Iterator[tuple[str, str, str]]:
    """File, English, Chinese."""
    for path in catalogues():
        with path.open("rb") as file:
            for message in read_po(file):
                if message.id:
                    yield path.name, _first(message.id), _first(message.string)


def _first(said: object) -> str:
    """A sentence, or the first of its plural forms."""
    return str(said[0]) if isinstance(said, list | tuple) else str(said)


def sentences() -> Iterator[tuple[str, str]]:
    """Every Chinese sentence with where it stands: catalogues, hints, problems, messages and the demo's templates."""
    yield from ((f"{name}: {english}", chinese) for name, english, chinese in translated())
    for module in ("face/hints.py", "voice/hints.py", "web/problems.py", "otp.py", "webhook/alerts.py"):
        tree = ast.parse((ROOTS[0] / module).read_text())
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.search(_CHINESE, node.value)
            ):
                yield f"{module}:{node.lineno}", node.value
    words = (ROOTS[0] / "policy/warnings.toml").read_text()
    yield from (("warnings.toml", said) for said in _QUOTED.findall(words) if re.search(_CHINESE, said))
    for template in sorted((ROOTS[0] / "cli/demo/shop/templates").glob("*.html")):
        for said in _QUOTED.findall(template.read_text()):
            if re.search(_CHINESE, said):
                yield template.name, said


def retired() -> dict[str, str]:
    """The words of the glossary's last column, with those that stand in their place."""
    rows = [line.split("|")[1:-1] for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")]
    return {cells[3].strip(): cells[0].strip() for cells in rows[1:] if cells[3].strip()}


def test_the_glossary_has_one_word_for_one_thing():
    rows = [line.split("|")[1:-1] for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")]
    words = [cells[0].strip() for cells in rows]
    assert len(words) > 30
    assert len(words) == len(set(words))
    assert not set(words) & set(retired())


def test_no_retired_word_is_left():
    gone = retired()
    found = [
        f"{place}: {word} → {gone[word]}" for place, said in sentences() for word in gone if word in said
    ]
    assert found == []


def test_punctuation_between_chinese_characters_is_full_width():
    assert [each for each in sentences() if _HALF_WIDTH.search(each[1])] == []


def test_numbers_stand_apart_from_characters():
    assert [each for each in sentences() if _SPACED.search(each[1])] == []


def test_a_percent_sign_of_a_translation_is_doubled():
    """The pages format what they translate: a lone sign breaks a page in one language only."""
    lone = re.compile(r"(?<!%)%(?![%(])")
    assert [each for each in sentences() if lone.search(each[1].replace("%%", ""))] == []


def test_every_translation_is_there_and_is_filled_like_its_sentence():
    assert len(catalogues()) > 4
    place = re.compile(r"%\((\w+)\)[sd]")
    for name, english, chinese in translated():
        assert chinese, f"{name}: {english}"
        said, meant = set(place.findall(chinese)), set(place.findall(english))
        assert said == meant or (said < meant and " should have at " in english), f"{name}: {english}"
        bare = place.sub("", chinese.replace("%%", ""))
        assert "%(" not in bare, f"{name}: {english}"


def test_a_catalogue_says_each_thing_once():
    for path in catalogues():
        ids = re.findall(r'(?m)^msgid (".*")$', path.read_text())
        assert [each for each in set(ids) if ids.count(each) > 1] == [], path.name


def test_people_are_addressed_as_nin():
    assert [each for each in sentences() if "你" in each[1]] == []


def test_each_english_sentence_means_one_thing_everywhere():
    meanings: defaultdict[str, set[str]] = defaultdict(set)
    for _, english, chinese in translated():
        meanings[english].add(chinese)
    assert {english: both for english, both in meanings.items() if len(both) > 1} == {}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("请重试,谢谢", _HALF_WIDTH),
        ("金额: 五元", _HALF_WIDTH),
        ("完成.", _HALF_WIDTH),
        ("本机(新)", _HALF_WIDTH),
        ("正在提交…", _HALF_WIDTH),
        ("还有2次", _SPACED),
    ],
)
def test_what_is_looked_for_is_found(said: str, fault: re.Pattern[str]):
    assert fault.search(said)
