"""What was not run and why: skipped tests, grouped by their reason."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from _pytest.reports import TestReport


def skipped_by_reason(reports: Iterable[TestReport]) -> Mapping[str, tuple[str, ...]]:
    """The tests behind each reason, reasons in alphabetical order."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for report in reports:
        groups[_reason(report)].append(report.nodeid)
    return {reason: tuple(groups[reason]) for reason in sorted(groups)}


def skip_lines(groups: Mapping[str, tuple[str, ...]], *, shown: int = 3) -> tuple[str, ...]:
    """Lines for a reader: each reason with its count, and the first `shown` tests under it."""
    lines: list[str] = []
    for reason, tests in groups.items():
        lines.append(f"{len(tests)} not run: {reason}")
        lines.extend(f"    {test}" for test in tests[:shown])
        if len(tests) > shown:
            lines.append(f"    and {len(tests) - shown} more")
    return tuple(lines)


def _reason(report: TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
