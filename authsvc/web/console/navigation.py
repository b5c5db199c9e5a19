"""Where one can go in the console, in the order of the bar, for whoever may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from authsvc.domain.operator import Act, Operator
from authsvc.web.console.wording import N_


@dataclass(frozen=True, slots=True)
class Entry:
    path: str
    label: str
    act: Act


ENTRIES = (
    Entry("/console/", N_("Overview"), Act.READ_OVERVIEW),
    Entry("/console/policies", N_("Policy"), Act.READ_POLICY),
    Entry("/console/decisions", N_("Decisions"), Act.READ_DECISION),
    Entry("/console/rolls/users", N_("Users and devices"), Act.READ_USER),
    Entry("/console/cases", N_("Search"), Act.READ_DECISION),
    Entry("/console/audit", N_("Audit"), Act.READ_AUDIT),
    Entry("/console/operators", N_("Operators"), Act.READ_AUDIT),
)


def entries_for(operator: Operator) -> Iterator[Entry]:
    return (entry for entry in ENTRIES if operator.may(entry.act))


def here(path: str) -> str:
    """The path of the entry that a page belongs to: the longest that it begins with."""
    if path.startswith("/console/rolls/") or path == "/console/user":
        return "/console/rolls/users"
    found = [entry.path for entry in ENTRIES if path == entry.path or path.startswith(f"{entry.path}/")]
    return max(found, key=len, default="/console/" if path == "/console/" else "")
