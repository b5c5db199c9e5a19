"""Prints what a reader of the tree meets: what stands at the top, imports, floors, circles, lengths, and modules with a test.

    scripts/structure.py [--json] [FOLDER]      FOLDER is a checkout, this one by default

An edge is one module of the top level, or one package, importing another; a floor stands above all that it imports.
A module has its test when `tests/` holds a `test_NAME.py`, in any folder, that is called after it or after its package, or when
a suite of `tests/contracts`, which every implementation of a protocol must pass, runs it. A module without a function that
does anything (constants, protocols, tables, plain values) is not asked for one.
"""

from __future__ import annotations

import argparse
import ast
import json
import statistics
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    figures = figures_of(asked.folder)
    print(
        json.dumps(figures)
        if asked.json
        else "\n".join(f"{name:32} {value}" for name, value in figures.items())
    )


def figures_of(checkout: Path) -> dict[str, object]:
    files = {file: ast.parse(file.read_text()) for file in sorted((checkout / "authsvc").rglob("*.py"))}
    top = checkout / "authsvc"
    modules = [file for file in files if file.name != "__init__.py" and "versions" not in file.parts]
    edges = {
        (a, b) for file, tree in files.items() for a, b in _module_edges(file, tree, checkout, set(modules))
    }
    units = {(_unit(a, top), _unit(b, top)) for a, b in edges if _unit(a, top) != _unit(b, top)}
    lengths = [
        n.end_lineno - n.lineno + 1
        for tree in files.values()
        for n in ast.walk(tree)
        if isinstance(n, FUNCTIONS)
    ]
    lines = [len(file.read_text().splitlines()) for file in modules]
    asked = [file for file in modules if _has_a_function(files[file])]
    run = _run_by_contracts(checkout, set(modules))
    tested = [file for file in asked if file in run or _has_test(file, checkout)]
    return {
        "packages": sum((each / "__init__.py").is_file() for each in top.iterdir()),
        "modules at the top": len(list(top.glob("*.py"))),
        "edges between them": len(units),
        "imports from one file to another": len(edges),
        "floors": _floors(units),
        "circles": _circles(units),
        "modules": len(modules),
        "lines of code": sum(lines),
        "function lines, median": statistics.median(lengths),
        "function lines, 99th percentile": _percentile(lengths),
        "file lines, median": statistics.median(lines),
        "file lines, 99th percentile": _percentile(lines),
        "modules with a function": len(asked),
        "of those with a test by name, %": round(100 * len(tested) / len(asked)),
    }


def _module_edges(
    file: Path, tree: ast.Module, checkout: Path, known: set[Path]
) -> Iterator[tuple[Path, Path]]:
    for node in _runtime(tree.body):
        names = [alias.name for alias in node.names]
        dotted = names if isinstance(node, ast.Import) else [f"{node.module}.{name}" for name in names]
        for name in dotted:
            place = checkout.joinpath(*name.split("."))
            for target in (place.with_suffix(".py"), place.parent.with_suffix(".py")):
                if target in known and target != file:
                    yield file, target
                    break


def _runtime(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports that happen at work; those for types alone tie nothing."""
    for statement in body:
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node


def _unit(file: Path, top: Path) -> str:
    return file.relative_to(top).parts[0].removesuffix(".py")


def _floors(edges: set[tuple[str, str]]) -> int:
    graph = _graph(edges)
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError:
        return 0
    floor: dict[str, int] = {}
    for unit in order:
        floor[unit] = 1 + max((floor[each] for each in graph.get(unit, ())), default=0)
    return max(floor.values(), default=0)


def _circles(edges: set[tuple[str, str]]) -> int:
    graph, found = {unit: set(needs) for unit, needs in _graph(edges).items()}, 0
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle = error.args[1]
            graph[circle[1]].discard(circle[0])
            found += 1
        else:
            return found


def _graph(edges: set[tuple[str, str]]) -> Mapping[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for importer, imported in edges:
        graph.setdefault(importer, set()).add(imported)
        graph.setdefault(imported, set())
    return graph


def _percentile(values: list[int]) -> int:
    return sorted(values)[int(len(values) * 0.99)]


def _has_a_function(tree: ast.Module) -> bool:
    """Whether any function holds more than a docstring or `...`."""
    return any(
        not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS)
        for statement in node.body
    )


def _run_by_contracts(checkout: Path, known: set[Path]) -> set[Path]:
    """Engines, and stores named after a suite, that a suite imports."""
    suites = (checkout / "tests" / "contracts").glob("test_*.py")
    return {
        module
        for suite in suites
        for _, module in _module_edges(suite, ast.parse(suite.read_text()), checkout, known)
        if module.stem.endswith("_engine") or module.stem.startswith(suite.stem.removeprefix("test_"))
    }


def _has_test(file: Path, checkout: Path) -> bool:
    package = file.parent.name
    names = {file.stem, f"{package}_{file.stem}", file.stem.removesuffix("_engine")}
    return any(any((checkout / "tests").rglob(f"test_{name}.py")) for name in names)


if __name__ == "__main__":
    main()
