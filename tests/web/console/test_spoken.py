"""Whatever another part composes in English has its sentence in Chinese: read out of the source, not off the pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from flask import Flask, g
from markupsafe import Markup

import authsvc
from authsvc.audit.report import Fault
from authsvc.biometric.manifest import manifest_folder, read_manifests
from authsvc.device.refusal import Refusal
from authsvc.errors import PolicyInvalid
from authsvc.policy import loading
from authsvc.web.console import checks, codes
from authsvc.web.console.policies import wording
from authsvc.web.console.spoken import FORMS
from authsvc.web.console.wording import STATUSES
from tests.support.policies import shipped
from tests.support.reading import latin_in

SOURCE = Path(authsvc.__file__).parent
COMPOSED = {"Finding": 2, "breach": 1, "Fault": 1, "_find": 2, "PolicyStep": 0, "PolicyConflict": 0}
"""Which argument of a call is a sentence that a page of the console may show."""

UNSEEN = ("chain.py", "faults.py")
"""What no page shows, and what is put together of all that a document may hold: the documents below are for it."""

PLACE = "\0"
SAMPLES = ("7", "", "`7` becomes `7`", "gestures alone", "TOML")
"""What may stand in a place: all but the first, where a part of the sentence is put together before the rest."""

ROOMS = ("policy", "policy_life", "audit")


@pytest.fixture
def chinese() -> Iterator[None]:
    with Flask("x").test_request_context():
        g.language = "zh"
        yield


def composed() -> Iterator[tuple[str, str]]:
    """Every such sentence with a sample in each of its places, and where it stands."""
    for room in ROOMS:
        for path in sorted((SOURCE / room).glob("*.py")):
            for function in ast.walk(ast.parse(path.read_text())):
                if isinstance(function, ast.FunctionDef) and path.name not in UNSEEN:
                    yield from ((f"{path.name}:{function.name}", said) for said in _sentences(function))


def _sentences(function: ast.FunctionDef) -> Iterator[str]:
    said: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            said.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in COMPOSED and len(node.args) > COMPOSED[name]:
                text = node.args[COMPOSED[name]]
                for each in said.get(text.id, []) if isinstance(text, ast.Name) else [text]:
                    yield from _sampled(each)
            if name == "ValueError":
                yield from _sampled(node.args[0])


def _sampled(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr) and len(node.values) > 1:
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else PLACE for part in node.values)


def test_every_composed_sentence_has_its_form_and_no_latin_word_outside_of_code(chinese: None):
    found = [(where, [said.replace(PLACE, sample) for sample in SAMPLES]) for where, said in composed()]
    assert len(found) > 60
    said = {
        (where, said[0]): [wording.said(each) for each in said if wording.knows(each)]
        for where, said in found
    }
    assert [each for each, forms in said.items() if not forms] == []
    assert [each for each, forms in said.items() if any(list(latin_in(form)) for form in forms)] == []


def test_no_form_is_left_over(chinese: None):
    with (FORMS / "zh.po").open("rb") as file:
        forms = [
            form
            for form in read_po(file)
            if form.id and "parsers" not in form.auto_comments and not str(form.id).startswith("not ")
        ]
    written = " ".join(" ".join(path.read_text().split()) for path in _every_source())
    bare = re.sub(r'"\s+f?"', "", written)
    for form in forms:
        if str(form.id).startswith("not "):
            continue
        parts = re.split(r"%\(\w+\)s|[;:,`]", str(form.id).replace("%%", "%"))
        assert any(part in bare for part in parts if len(part) > 2), form.id


def _every_source() -> Iterator[Path]:
    yield from (path for room in (*ROOMS, "biometric") for path in sorted((SOURCE / room).glob("*.py")))
    yield SOURCE / "web" / "console" / "policies" / "numbers.py"
    yield SOURCE / "web" / "console" / "policies" / "what_if.py"
    yield SOURCE / "web" / "console" / "policies" / "editor.py"
    yield from sorted((SOURCE.parent / "models").glob("*.toml"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("risk_at_least = ", "risk_at_leest = "), "未知的键"),
        (('level = "face"', 'level = "fase"'), "应为"),
        (("risk_at_least = ", "risk_at_least = 70"), "应不大于"),
        (("version = 1", "version = "), "不是有效的 TOML"),
        (("[[rules]]", "[[rules]"), "不是有效的 TOML"),
        (('reference_currency = "CNY"', 'reference_currency = "XAU"'), "基准币种"),
    ],
)
def test_what_is_wrong_with_a_document_is_said(chinese: None, change: tuple[str, str], said: str):
    text = shipped()
    assert change[0] in text
    with pytest.raises(PolicyInvalid) as refused:
        loading.from_toml(text.replace(*change, 1), "policy.toml")
    listed = refused.value.extra["findings"]
    assert isinstance(listed, list)
    faults = [wording.said(fault["message"]) for fault in listed]
    assert said in faults[0]
    assert [each for fault in faults for each in latin_in(fault)] == []


def test_whom_a_model_was_measured_on_is_said(chinese: None):
    points = [point for each in read_manifests(manifest_folder()) for point in each.operating_points]
    told = {text for point in points for text in (point.data_set, point.population, point.note) if text}
    assert [each for each in told if not wording.knows(each)] == []


def test_a_sentence_of_no_known_form_stands_as_code(chinese: None):
    assert wording.said("<b>gone</b>") == '<code lang="en">&lt;b&gt;gone&lt;/b&gt;</code>'


def test_what_somebody_has_named_is_no_word_and_no_markup(chinese: None):
    assert "<code>face</code>" in wording.said("rule `face` can never match")
    assert "<b>" not in wording.said("rule `<b>` can never match")


def test_in_english_a_sentence_stays_as_it_was_composed():
    with Flask("x").test_request_context():
        g.language = "en"
        assert wording.said("rule `<x>` can never match") == Markup(
            "rule <code>&lt;x&gt;</code> can never match"
        )


def test_every_code_of_a_check_has_its_word():
    assert {each.value for each in Refusal} == set(checks.REFUSALS)
    assert {each.value for each in Fault} == set(checks.AUDIT_FAULTS)


def test_every_code_of_a_finding_has_its_name():
    found = set()
    for path in (SOURCE / "policy").glob("*.py"):
        found |= set(re.findall(r'(?:Finding|breach)\(\s*"([a-z0-9-]+)"', path.read_text()))
    assert len(found) > 15
    assert found <= set(wording.FINDINGS)


def test_every_word_of_an_audit_line_has_its_own():
    actions, results, details = set[str](), set[str](), set[str]()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "entry":
                said = [each.value if isinstance(each, ast.Constant) else None for each in node.args]
                actions |= {str(each) for each in said[1:2] if each and "." in str(each)}
                results |= {str(each) for each in said[4:5] if each}
                details |= {each.arg for each in node.keywords if each.arg}
    assert min(len(actions), len(results), len(details)) > 5
    assert actions - set(codes.ACTIONS) == set()
    assert results - {*codes.RESULTS, *STATUSES} == set()
    assert details - set(codes.DETAILS) == set()


def test_english_has_names_for_levels_and_commas_in_numbers_and_keeps_what_somebody_named():
    with Flask("x").test_request_context():
        g.language = "en"
        said = wording.said("176 of 23040 cells ask less than the active policy: `otp` becomes `none`")
        assert said == "176 of 23,040 cells ask less than the active policy: one-time code becomes no check"
        assert wording.said("rule `face` can never match") == "rule <code>face</code> can never match"
        assert (
            wording.said("nobody has a form for `this` 23040")
            == "nobody has a form for <code>this</code> 23040"
        )


def test_numbers_have_their_commas_in_chinese_too(chinese: None):
    assert "23,040" in wording.said(
        "176 of 23040 cells ask less than the active policy: `otp` becomes `none`"
    )
