"""Which file imports what, read from the source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name, dotted; `is_late` inside of a function, `is_for_types` under TYPE_CHECKING alone."""

    file: str
    line: int
    name: str
    is_late: bool
    is_for_types: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.name}"

    @property
    def library(self) -> str:
        return self.name.partition(".")[0]

    @property
    def importer(self) -> str:
        return unit_of(".".join(Path(self.file).with_suffix("").parts))

    @property
    def imported(self) -> str:
        return unit_of(self.name)


def unit_of(dotted: str) -> str:
    """The module or room directly in `authsvc` that a name belongs to; for others, the package."""
    package, *rest = dotted.split(".")
    return rest[0] if package == "authsvc" and rest else package


def imports_below(*packages: str) -> tuple[Import, ...]:
    """Every import of these packages of the checkout."""
    files = (file for package in packages for file in sorted((CHECKOUT / package).rglob("*.py")))
    return tuple(found for file in files for found in _imports_of(file))


def uses_of(attribute: str, *packages: str) -> tuple[str, ...]:
    """The files that read an attribute such as `os.environ`."""
    files = (file for package in packages for file in sorted((CHECKOUT / package).rglob("*.py")))
    return tuple(str(file.relative_to(CHECKOUT)) for file in files if _uses(file.read_text(), attribute))


def _uses(source: str, attribute: str) -> bool:
    last = attribute.rpartition(".")[2]
    return last in source and any(
        isinstance(node, ast.Attribute) and node.attr == last and ast.unparse(node) == attribute
        for node in ast.walk(ast.parse(source))
    )


def _imports_of(file: Path) -> Iterator[Import]:
    where = str(file.relative_to(CHECKOUT))
    for node, late, types in _nodes(ast.parse(file.read_text()).body, late=False, types=False):
        for name in _names(node):
            yield Import(where, node.lineno, name, late, types)


def _nodes(
    body: Iterable[ast.AST], *, late: bool, types: bool
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, late, types
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _nodes(node.body, late=late, types=True)
            yield from _nodes(node.orelse, late=late, types=types)
        else:
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _nodes(ast.iter_child_nodes(node), late=late or is_function, types=types)


def _names(node: ast.Import | ast.ImportFrom) -> tuple[str, ...]:
    if isinstance(node, ast.Import):
        return tuple(alias.name for alias in node.names)
    # A relative import would escape the rules; there is none.
    assert node.level == 0, ast.unparse(node)
    return tuple(f"{node.module}.{alias.name}" for alias in node.names)
