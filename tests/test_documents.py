"""Every document says what is so: links, commands, settings, calls, events, problems, files and code blocks of all of them."""

import ast
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from authsvc.caller.wire import _BY_SLUG, _TRY_AGAIN
from authsvc.cli.main import main
from authsvc.config import SETTINGS
from authsvc.events import TAGS
from authsvc.web.problems import PROBLEMS
from authsvc.web.registry import OPERATIONS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TEXTS = {file.relative_to(ROOT).as_posix(): file.read_text() for file in DOCUMENTS}

OF_TESTS = {"AUTHSVC_TEST_DATA", "AUTHSVC_MODEL_STEPS", "AUTHSVC_POLICY_DOCUMENTS"}
"""Read by the tests and by nothing else."""

each_document = pytest.mark.parametrize("name", TEXTS)


@each_document
def test_links_lead_somewhere(name: str):
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[name]):
        file, _, heading = target.partition("#")
        if not target.startswith(("https://", "http://localhost")):
            found = (ROOT / name).parent / file if file else ROOT / name
            assert found.exists(), target
            assert not heading or heading in _headings(found.read_text()), target


def _headings(text: str) -> set[str]:
    """As they are linked to: lower case, a hyphen for each blank, no punctuation."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@each_document
def test_nothing_is_claimed_that_only_a_laboratory_may_say(name: str):
    assert re.search(r"\b(certified|compliant)\b", TEXTS[name], re.IGNORECASE) is None


@each_document
def test_settings_exist(name: str):
    known = {each.variable for each in SETTINGS}
    known |= {f"{each}_FILE" for each in known} | OF_TESTS
    for named in re.findall(r"\bAUTHSVC_[A-Z_]+\b", TEXTS[name]):
        # `AUTHSVC_TLS_…` stands for all that begin so.
        assert named in known or (named.endswith("_") and any(each.startswith(named) for each in known)), (
            named
        )


@each_document
def test_targets_of_make_exist(name: str):
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z-]+)|^    make ([a-z-]+)", TEXTS[name], re.MULTILINE):
        assert re.search(rf"^{''.join(target)}:", makefile, re.MULTILINE), target


@each_document
def test_calls_exist(name: str):
    patterns = [(each.method, re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(each.path))) for each in OPERATIONS]
    for methods, path in re.findall(
        r"\b((?:GET|POST|PUT|PATCH|DELETE)(?:/[A-Z]+)*) +(/v1/[^\s`,:;)]*)", TEXTS[name]
    ):
        concrete = path.rstrip(".").partition("?")[0].replace("{factor}", "otp").replace("{modality}", "face")
        for method in methods.split("/"):
            assert any(each == method and re.fullmatch(pattern, concrete) for each, pattern in patterns), (
                method,
                path,
            )


@each_document
def test_events_exist(name: str):
    if name != "CHANGELOG.md":
        named = set(re.findall(r"`((?:decision|subject|receipt|attack|webhook):[a-z:-]+)`", TEXTS[name]))
        assert named <= {*TAGS, "webhook:test"}


@each_document
def test_a_problem_has_the_status_that_is_said(name: str):
    for status, slug in re.findall(r"\b([45]\d\d) `([a-z]+(?:-[a-z]+)*)`", TEXTS[name]):
        assert PROBLEMS[slug].status == int(status), slug


@each_document
def test_files_of_the_checkout_exist(name: str):
    for path in re.findall(
        r"`((?:tests|scripts|benchmarks|authsvc|enrollment|docs|models)/[\w./*-]+)`", TEXTS[name]
    ):
        assert any(ROOT.glob(path.rstrip("/"))), path


# -- Commands --------------------------------------------------------------------------------------------------------------


def command_lines() -> Iterator[tuple[str, str]]:
    known = main.list_commands(click.Context(main))
    for name, written in TEXTS.items():
        text = re.sub(r" *\\\n *", " ", written)
        found = re.findall(r"`(authsvc [^`]+)`", text)
        for block in (*blocks(text, "sh"), *re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)):
            found += re.findall(
                r"^\s*(?:\.venv/bin/)?(authsvc .*?)(?:\s+#.*)?(?:\s*[|>].*)?$", block, re.MULTILINE
            )
        for line in found:
            words = line.split()
            if len(words) > 1 and words[1] in known and "--" in line:
                yield name, line


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("name", "line"), sorted(set(command_lines())))
def test_the_options_of_a_command_line_exist(name: str, line: str):
    _, *words = shlex.split(line.replace("…", " "))
    command: click.Command | None = main
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        command = command.get_command(click.Context(command), words.pop(0))
    assert command is not None, line
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {word.partition("=")[0].rstrip(",.") for word in words if word.startswith("--")} <= known | {
        "--help"
    }


# -- Code ------------------------------------------------------------------------------------------------------------------


@each_document
def test_code_blocks_can_be_read(name: str):
    """What is run, and judged by what it does, stands in `test_docs`."""
    for block in blocks(TEXTS[name], "python"):
        ast.parse(block)
    for block in blocks(TEXTS[name], "json"):
        json.loads(block)
    for block in blocks(TEXTS[name], "toml"):
        tomllib.loads(block)
    for block in blocks(TEXTS[name], "(?:sh|bash)"):
        shell = shutil.which("bash") or pytest.skip("bash is not installed")
        checked = subprocess.run([shell, "-n"], input=block, text=True, capture_output=True)
        assert checked.returncode == 0, checked.stderr


def test_every_code_block_is_of_a_language_that_is_looked_at():
    fences = {fence for text in TEXTS.values() for fence in re.findall(r"^ *```(\w+)", text, re.MULTILINE)}
    assert fences <= {"python", "json", "toml", "sh", "bash", "text"}


# -- Whole tables ----------------------------------------------------------------------------------------------------------


def test_every_problem_is_explained_with_its_class_and_whether_it_is_repeated():
    lines = [line for line in TEXTS["docs/problems.md"].splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row for row in rows if row[0].strip("`") in PROBLEMS] == [
        [
            f"`{each.slug}`",
            str(each.status),
            f"`{_BY_SLUG[each.slug].__name__}`",
            "yes" if each.status in _TRY_AGAIN or each.slug == "idempotency-in-progress" else "",
            each.en,
        ]
        for each in PROBLEMS.values()
    ]


def test_every_term_stands_in_both_languages():
    rows = [line.split("|")[1:4] for line in TEXTS["docs/terms.md"].splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 30
    assert [row[0] for row in rows if not re.search(r"[\u4e00-\u9fff]", row[1]) or not row[2].strip()] == []


def test_every_document_is_in_the_list_by_reader():
    """Or in its folder's own list; but the pages of the runbook, to which the alerts lead."""
    for name in TEXTS:
        if name.startswith("docs/") and "/runbook/" not in name and name != "docs/README.md":
            folder, _, file = name.rpartition("/")
            lists = [TEXTS["docs/README.md"], TEXTS.get(f"{folder}/README.md", "")]
            assert any(
                f"]({each})" in text for text in lists for each in (name.removeprefix("docs/"), file)
            ), name
