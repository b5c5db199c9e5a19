"""Imports run one way: words, rooms, the one flow, its services, the web; and a library is known by one file.

The rules and the deliberate exceptions, each with its reason, are tables in `tests/support/rooms.py`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support.imports import CHECKOUT, Import, imports_below, uses_of
from tests.support.rooms import (
    DEMO_MAY_KNOW,
    ENVIRONMENT_KNOWN_BY,
    IMPURE,
    LIBRARIES,
    LOADED_LATE,
    MOST_MODULES,
    MOST_PACKAGES,
    NOT_FOR_THE_FLOW,
    ROOMS,
    STORAGE_KNOWN_BY,
    WEB_MAY_KNOW,
    WORDS,
)

SHARED_SENTENCES = {"authsvc.services.hints.hints_view"}


@cache
def all_imports() -> tuple[Import, ...]:
    return imports_below("authsvc", "enrollment")


@cache
def ours() -> tuple[Import, ...]:
    return tuple(
        each for each in all_imports() if each.library == "authsvc" and each.importer != each.imported
    )


@cache
def at_work() -> tuple[Import, ...]:
    return tuple(each for each in ours() if not each.is_for_types and each.importer != "enrollment")


def test_the_hallway_is_taken_in_at_a_glance() -> None:
    top = list((CHECKOUT / "authsvc").iterdir())
    packages = [each for each in top if (each / "__init__.py").is_file()]
    assert len(packages) <= MOST_PACKAGES
    assert len([each for each in top if each.suffix == ".py"]) <= MOST_MODULES


def test_the_map_is_the_tree() -> None:
    drawn = re.findall(r"^\| `(\w+)/` \|", (CHECKOUT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    assert sorted(drawn) == sorted(each.parent.name for each in (CHECKOUT / "authsvc").glob("*/__init__.py"))
    above = {name: floor for floor, name in enumerate(drawn)}
    pairs = [(above.get(each.importer), above.get(each.imported), str(each)) for each in at_work()]
    assert not [text for low, high, text in pairs if low is not None and high is not None and low < high]


@pytest.mark.parametrize(
    "package", sorted((CHECKOUT / "authsvc").glob("*/__init__.py")), ids=lambda p: p.parent.name
)
def test_a_package_begins_with_what_it_answers(package: Path) -> None:
    docstring = ast.get_docstring(ast.parse(package.read_text()))
    assert docstring is not None
    assert 3 <= len(docstring.splitlines()) <= 6


def test_words_know_only_words() -> None:
    assert not [str(each) for each in at_work() if each.importer in WORDS and each.imported not in WORDS]


def test_a_room_knows_no_other_room() -> None:
    assert not [str(each) for each in at_work() if each.importer in ROOMS and not _may_know(each)]


def test_the_demo_is_a_client() -> None:
    theirs = [
        each
        for each in all_imports()
        if each.library == "authsvc" and each.file.startswith("authsvc/cli/demo/")
    ]
    outside = [each for each in theirs if not each.name.startswith("authsvc.cli.demo.")]
    assert not [str(each) for each in outside if each.imported not in WORDS | set(DEMO_MAY_KNOW)]
    assert set(DEMO_MAY_KNOW) <= {each.imported for each in outside}


def test_every_exception_is_needed() -> None:
    used = {(each.importer, each.imported) for each in at_work()}
    assert not [pair for pair in _exceptions() if pair not in used]


def test_the_flow_knows_neither_storage_nor_web() -> None:
    flow = {each.importer for each in at_work()} - WORDS - set(ROOMS) - NOT_FOR_THE_FLOW
    assert {"domain", "stepup", "enrolling", "policy_life", "services"} <= flow
    assert not [
        str(each) for each in at_work() if each.importer in flow and each.imported in NOT_FOR_THE_FLOW
    ]


def test_the_flow_knows_factors_only_as_verifiers() -> None:
    factors = (
        "authsvc.face",
        "authsvc.voice",
        "authsvc.otp",
        "authsvc.device.verifier",
        "authsvc.device.webauthn",
    )
    assert not [str(each) for each in ours() if each.importer == "stepup" and each.name.startswith(factors)]


def test_the_web_knows_the_services_and_no_room() -> None:
    rooms = {*ROOMS, "storage"} - set(WEB_MAY_KNOW)
    assert not [str(each) for each in at_work() if each.importer == "web" and each.imported in rooms]


def test_only_those_who_put_the_service_together_know_storage() -> None:
    assert not [
        str(each) for each in ours() if each.imported == "storage" and each.importer not in STORAGE_KNOWN_BY
    ]


def test_imports_have_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for each in at_work():
        graph.setdefault(each.importer, set()).add(each.imported)
    # `authsvc` itself is a version number.
    graph.pop("authsvc", None)
    TopologicalSorter(graph).prepare()


def test_authsvc_does_not_know_enrollment() -> None:
    assert not [
        str(each)
        for each in all_imports()
        if each.library == "enrollment" and each.file.startswith("authsvc/")
    ]


def test_enrollment_is_a_client() -> None:
    known = WORDS | {"caller", "client", "look"}
    theirs = [each for each in ours() if each.file.startswith("enrollment/")]
    assert not [
        str(each) for each in theirs if each.imported not in known and each.name not in SHARED_SENTENCES
    ]


def test_a_library_is_known_where_the_table_says() -> None:
    known = {"authsvc", "enrollment", "_typeshed", "__future__", *sys.stdlib_module_names} - set(LIBRARIES)
    foreign = [each for each in all_imports() if each.library not in known]
    assert not [str(each) for each in foreign if not _is_known(each)]


def test_the_table_names_no_library_that_nobody_knows() -> None:
    used = {
        (each.library, place)
        for each in all_imports()
        for place in LIBRARIES.get(each.library, ())
        if each.file.startswith(place)
    }
    assert not [
        (name, place) for name, places in LIBRARIES.items() for place in places if (name, place) not in used
    ]


def test_models_are_loaded_where_they_are_needed() -> None:
    assert not [
        str(each)
        for each in all_imports()
        if each.library in LOADED_LATE and not each.is_late and not each.is_for_types
    ]


def test_the_environment_is_read_in_one_place() -> None:
    assert set(uses_of("os.environ", "authsvc", "enrollment")) == set(ENVIRONMENT_KNOWN_BY)
    assert not uses_of("os.getenv", "authsvc", "enrollment")


def test_the_policy_engine_has_neither_clock_nor_input_nor_output() -> None:
    reached, waiting = set(), {"authsvc.policy.engine"}
    while waiting:
        module = waiting.pop()
        reached.add(module)
        found = _imports_of(module)
        assert not [str(each) for each in found if each.library in IMPURE or each.imported == "clock"]
        waiting |= {each.name.rpartition(".")[0] for each in found if each.imported == "policy"} - reached
    assert len(reached) > 3


@pytest.mark.parametrize(
    "module", ["authsvc.bootstrap.app", "authsvc.client", "authsvc.cli.main", "enrollment.app"]
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    heavy = {
        *LOADED_LATE,
        "onnx",
        "cv2",
        "numpy",
        "PIL",
        "scipy",
        "sqlalchemy",
        "redis",
        "psycopg",
    }
    program = f"import sys, {module}; print(*sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=CHECKOUT)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def _may_know(found: Import) -> bool:
    return (
        found.imported in WORDS or found.imported in ROOMS[found.importer] or found.imported == "__version__"
    )


def _exceptions() -> list[tuple[str, str]]:
    rooms = [(room, other) for room, others in ROOMS.items() for other in others]
    storage = [(unit, "storage") for unit in STORAGE_KNOWN_BY if unit != "storage"]
    return rooms + storage + [("web", room) for room in WEB_MAY_KNOW]


def _is_known(found: Import) -> bool:
    return any(found.file.startswith(place) for place in LIBRARIES.get(found.library, ()))


def _imports_of(module: str) -> list[Import]:
    file = f"{module.replace('.', '/')}.py"
    return [each for each in all_imports() if each.file == file and not each.is_for_types]


RETIRED = r"\bdesks?\b|taken in hand|gives no sense|enrolment"
LAB_KEYS = r"\benrolment(?:_fta\w*|_phrases)\b|\"enrolment\""
"""Keys of `--json`, which keep their names."""


def test_retired_words_are_gone() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.md", "*.html", "*.js", "*.po"],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    here = Path(__file__).relative_to(CHECKOUT).as_posix()
    files = set(listed.stdout.split()) - {"CHANGELOG.md", here}
    assert not [
        f"{file}:{number}: {line.strip()}"
        for file in sorted(files)
        for number, line in enumerate((CHECKOUT / file).read_text().splitlines(), start=1)
        if re.search(RETIRED, re.sub(LAB_KEYS, "", line), re.IGNORECASE)
    ]
