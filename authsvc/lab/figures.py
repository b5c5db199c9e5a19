"""Every rate of a run in one form, whichever part measured it: so one table shows them, one comparison holds them side by side.

A rate that the sample cannot show stands there with its reason and without a value, so that nobody misses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]  # Any: a report
Row = dict[str, Any]  # Any: a figure, as JSON

NOBODY_TRIED = "nothing was tried"


def figures(run: Json) -> list[Row]:
    """The rates of every part of a run that was measured, in the order of the page."""
    return [
        *(_of_faces(run["face"]) if run.get("face") else ()),
        *(_of_attacks("pad", run["pad"], ("apcer", "iapar")) if run.get("pad") else ()),
        *(_of_live("pad", run["pad"], "bpcer") if run.get("pad") else ()),
        *(_at_apcer(run["pad"]) if run.get("pad") else ()),
        *(_of_attacks("chain", run["chain"], ("iapar",)) if run.get("chain") else ()),
        *(_of_live("chain", run["chain"], "rejected") if _has_live(run.get("chain")) else ()),
        *(row for one in run.get("voice_chains", ()) for row in _of_voice_chain(one)),
        *(row for one in run.get("voices", ()) for row in _of_voices(one)),
        *(row for one in run.get("prompts", ()) for row in _of_prompts(one)),
    ]


def _of_faces(found: Json) -> Iterator[Row]:
    yield _row("face", found["data_set"], "fta", found, "fta")
    yield _row("face", found["data_set"], "fte", found, "enrolment_fta")
    for target in found["targets"]:
        kind = f"k={target['samples']}, m={target['frames']}, {target['target_fmr']}"
        for name in ("fmr", "fnmr"):
            yield {**_row("face", kind, name, target, name), "threshold": target["threshold"]}


def _of_attacks(part: str, found: Json, rates: tuple[str, ...]) -> Iterator[Row]:
    for species, row in found["species"].items():
        for name in (*rates, "non_response"):
            yield {**_row(part, species, name, row, name), "threshold": found.get("threshold")}


def _of_live(part: str, found: Json, name: str) -> Iterator[Row]:
    for rate in (name, "non_response"):
        row = _row(part, "bona_fide", rate, found["bona_fide"], rate)
        yield {**row, "threshold": found.get("threshold")}


def _has_live(chain: Json | None) -> bool:
    return bool(chain and chain["bona_fide"].get("presentations"))


def _of_voice_chain(found: Json) -> Iterator[Row]:
    for row in (
        *_of_attacks("voice chain", found, ("iapar",)),
        *_of_live("voice chain", found, "rejected"),
        _row("voice chain", "", "fte", found, "fte"),
    ):
        kind = row["group"].replace("bona_fide", "bona fide")
        yield {**row, "group": ", ".join(filter(None, (found["data"], kind)))}


def _at_apcer(found: Json) -> Iterator[Row]:
    for row in found["bpcer_at_apcer"]:
        made = _row("pad", f"APCER {row['apcer']:.0%}", "bpcer", row, "bpcer")
        yield {**made, "threshold": row["threshold"], "why": row.get("reason", made["why"])}


def _of_voices(found: Json) -> Iterator[Row]:
    clean = found["conditions"].get("clean", {})
    for kind in ("one_phrase", "two_phrases") if clean else ():
        for point in clean[kind]["operating_points"]:
            group = f"{found['data']}, {kind.replace('_', ' ')}, {point['target_fmr']}"
            for name in ("fmr", "fnmr"):
                rate = point[name] or {}
                yield {**_plain("voice", group, name, rate), "threshold": point["thresholds"]}


def _of_prompts(found: Json) -> Iterator[Row]:
    for language, asked in found["conditions"]["clean"].items():
        for what in ("right", "one_wrong", "random_other"):
            row = asked[what]
            accepted = {**row, "value": row["share"], "errors": row["accepted"], "trials": row["n"]}
            yield {
                **_plain("prompt", f"{found['data']}, {language}, {what}", "accepted", accepted),
                "threshold": found["least_score"],
            }


def _row(part: str, group: str, rate: str, found: Json, name: str) -> Row:
    fields = {
        field: found.get(f"{name}_{field}") for field in ("interval", "upper_bound", "errors", "trials")
    }
    return _plain(part, group, rate, {"value": found.get(name), **fields})


def _plain(part: str, group: str, rate: str, found: Json) -> Row:
    fields = {field: found.get(field) for field in ("value", "errors", "trials", "interval", "upper_bound")}
    why = NOBODY_TRIED if fields["value"] is None else ""
    return {"part": part, "group": group, "rate": rate, **fields, "threshold": None, "why": why}
