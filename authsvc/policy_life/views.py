"""What is returned to operators of versions, publications, shadow runs and backtests: the names of the HTTP contract."""

from __future__ import annotations

from datetime import datetime

from authsvc.clock import rfc3339
from authsvc.factor import Json
from authsvc.policy.jobs import Backtesting
from authsvc.policy.life import Publication, ShadowRun, Version
from authsvc.policy.shadow import Comparison


def view_of(value: Version | Publication | ShadowRun | Backtesting) -> Json:
    """Any of the things that a step answers."""
    match value:
        case Version():
            return version_view(value)
        case Publication():
            return publication_view(value)
        case ShadowRun():
            return shadow_run_view(value)
        case Backtesting():
            return backtest_view(value)


def version_view(version: Version) -> Json:
    """A version with its document and what the analysis found."""
    examined = version.examined
    analysis = None
    if examined is not None:
        analysis = {
            "against": examined.against,
            "at": rfc3339(examined.at),
            "by": examined.by,
            "errors": list(examined.errors),
            "report": examined.report,
            "difference": examined.difference,
        }
    return {
        **version_line(version),
        "document": version.source.text,
        "form": version.source.form,
        "analysis": analysis,
    }


def version_line(version: Version) -> Json:
    """A version in a list: everything but its document and its analysis."""
    approval = version.approval
    return {
        "id": version.id,
        "state": version.state.value,
        "policy": {"id": version.policy_id, "version": version.number, "digest": version.source.digest},
        "author": version.author,
        "note": version.note,
        "created_at": rfc3339(version.created_at),
        "approval": None
        if approval is None
        else {
            "by": approval.by,
            "at": rfc3339(approval.at),
            "accepted": list(approval.accepted),
            "note": approval.note,
        },
    }


def publication_view(publication: Publication) -> Json:
    return {
        "number": publication.number,
        "etag": publication.etag,
        "version": publication.version_id,
        "digest": publication.digest,
        "how": publication.how.value,
        "by": publication.by,
        "at": rfc3339(publication.at),
        "back_to": publication.back_to,
        "note": publication.note,
    }


def shadow_run_view(run: ShadowRun) -> Json:
    return {
        "id": run.id,
        "version": run.version_id,
        "digest": run.digest,
        "against": run.against,
        "by": run.by,
        "started_at": rfc3339(run.started_at),
        "stopped_at": _moment(run.stopped_at),
    }


def comparison_view(run: ShadowRun, comparison: Comparison) -> Json:
    """A shadow run with what it has counted so far."""
    return {
        **shadow_run_view(run),
        "compared": comparison.compared,
        "different": comparison.different,
        "failed": comparison.failed,
        "not_compared": comparison.not_compared,
        "moves": [
            {
                "before": before,
                "after": after,
                "decisions": times,
                "sampled": list(comparison.samples.get((before, after), ())),
            }
            for (before, after), times in comparison.moves.items()
        ],
    }


def backtest_view(job: Backtesting) -> Json:
    return {
        "id": job.id,
        "version": job.version_id,
        "state": job.state.value,
        "by": job.by,
        "created_at": rfc3339(job.created_at),
        "since": rfc3339(job.since),
        "until": rfc3339(job.until),
        "total": job.total,
        "read": job.read,
        "share": job.share,
        "report": job.report,
        "error": job.error,
        "finished_at": _moment(job.finished_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
