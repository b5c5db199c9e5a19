"""Two runs side by side: which rates have changed, and whether the samples show it or chance would do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]  # Any: a report

_RATES = ("apcer", "iapar", "bpcer", "non_response", "refused_by_quality")


def compared(before: Json, after: Json) -> dict[str, Any]:
    """Every rate of both runs. `verdict` is `better` or `worse` only where the intervals do not meet."""
    whole = "figures" in before and "figures" in after
    return {
        "same_data_set": before.get("data_set_digest") == after.get("data_set_digest"),
        "same_model": _models(before) == _models(after),
        "rates": list(_figures(before, after) if whole else _rows(before, after)),
    }


def _models(run: Json) -> Any:
    return run.get("models", run.get("model_digest"))


def _figures(before: Json, after: Json) -> Iterator[dict[str, Any]]:
    """Of whole runs: each figure by part, group and rate, as `_change` reads one."""
    old, new = (
        {(f"{row['part']} {row['group']}", row["rate"]): row for row in run["figures"]}
        for run in (before, after)
    )
    for key in sorted({*old, *new}):
        was, now = (
            {"rate": row.get("value"), "rate_interval": row.get("interval")}
            for row in (old.get(key, {}), new.get(key, {}))
        )
        found = _change(was, now, "rate")
        # More digits that are right is better, and every other rate here is one of errors.
        if key[0].endswith(" right") and found["verdict"] != "not shown":
            found["verdict"] = "worse" if found["verdict"] == "better" else "better"
        yield {"group": key[0], "rate": key[1], **found}


def _rows(before: Json, after: Json) -> Iterator[dict[str, Any]]:
    groups = {"bona_fide": (before["bona_fide"], after["bona_fide"])}
    for species in sorted({*before["species"], *after["species"]}):
        groups[species] = (before["species"].get(species, {}), after["species"].get(species, {}))
    for group, (old, new) in groups.items():
        for name in _RATES:
            if name in old or name in new:
                yield {"group": group, "rate": name, **_change(old, new, name)}


def _change(old: Json, new: Json, name: str) -> dict[str, Any]:
    was, now = old.get(name), new.get(name)
    if was is None or now is None:
        return {"before": was, "after": now, "verdict": "not shown"}
    (low, high), (lower, higher) = old[f"{name}_interval"], new[f"{name}_interval"]
    verdict = "better" if higher < low else "worse" if lower > high else "not shown"
    return {"before": was, "after": now, "verdict": verdict}
