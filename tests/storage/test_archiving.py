"""The audit is cut, and stays one: what is left verifies by itself, what was archived with it, and no row is missed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from authsvc.audit.archive import Archives, archives, read_back
from authsvc.audit.export import verify_export
from authsvc.audit.report import Fault, Report
from authsvc.cli.operate import audit
from authsvc.errors import Tampered, Unavailable
from authsvc.storage import archiving
from authsvc.storage.archiving import Archiving
from tests.support.service import Bench, embedded

ACTOR = "command-line:root"


class Kept:
    """A service of two half years, and where its audit is archived."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench, self.archives, self.exports = bench, folder / "archives", folder / "exports"
        self.store = bench.wired.store
        bench.enroll()
        for user in ("u_2", "u_3"):
            bench.enroll(user, face=None)
        self.year()

    def year(self) -> None:
        """Payments, half a year, payments; then the time before which everything is old."""
        for _ in range(3):
            self.bench.decide(self.bench.payment())
        self.store.audit.take_checkpoint()
        self.bench.clock.advance(timedelta(days=180))
        self.half: datetime = self.bench.clock.now()
        for _ in range(3):
            self.bench.decide(self.bench.payment())
        self.store.audit.take_checkpoint()

    def cut(self) -> object:
        ring = self.store.ring
        made = Archiving(
            self.store.ledger,
            self.store.audit,
            ring.audit_public_keys,
            ring.audit_signing_key,
            self.bench.clock,
        )
        return made.archive(self.archives, self.half, ACTOR)["dropped"]

    def verified(self) -> Report:
        return self.store.audit.verify()

    def exported(self, *, joined: bool) -> Report:
        folder = self.exports / str(len(list(self.exports.glob("*"))))
        self.store.audit.export(folder)
        keys = self.store.ring.audit_public_keys()
        return verify_export(folder, keys, archives=Archives(self.archives, keys) if joined else None)

    def run(self, sql: str) -> int:
        def unit(tx: object) -> int:
            return tx._connection.run(sql, {})  # type: ignore[attr-defined, no-any-return]

        return self.store.ledger.transact(unit)

    def is_whole(self, lines: int) -> None:
        """In the database, exported, exported and joined; and every row is accounted for."""
        assert self.verified().findings == self.exported(joined=False).findings == ()
        joined = self.exported(joined=True)
        assert (joined.findings, joined.archived) == ((), {})
        assert joined.links >= lines
        survey = self.store.adopting.look()
        assert (survey.findings, survey.stray) == ([], {})


@pytest.fixture(params=["embedded", "servers"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    url = request.getfixturevalue("migrated_postgres_url") if request.param == "servers" else ""
    bench = Bench(embedded(tmp_path / "data", database_url=url))
    yield Kept(bench, tmp_path)
    bench.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Kept]:
    bench = Bench(embedded(tmp_path / "data"))
    yield Kept(bench, tmp_path)
    bench.close()


def test_a_cut_log_is_whole_by_itself_and_with_its_archives(kept: Kept):
    before = kept.verified()
    dropped = kept.cut()
    assert isinstance(dropped, int)
    assert 0 < dropped < before.links
    kept.is_whole(before.links)
    [(_, last)] = kept.verified().archived.items()
    assert last == dropped
    assert kept.cut() == 0
    # A second cut drops the line that said where the first one was, and says both.
    kept.year()
    second = kept.cut()
    assert isinstance(second, int)
    assert second > 0
    assert len(archives(kept.archives)) == 2
    kept.is_whole(before.links)
    assert kept.verified().archived == {"".join(kept.verified().chains): dropped + second}
    kept.bench.decide(kept.bench.payment())
    kept.is_whole(before.links)


def test_a_run_that_was_cut_short_is_finished_by_the_next(small: Kept, monkeypatch: pytest.MonkeyPatch):
    lines = small.verified().links
    monkeypatch.setattr(archiving, "PIECE", 4)
    drop, done = archiving._drop, 0

    def fails_later(*given: object) -> None:
        nonlocal done
        done += 1
        if done == 3:
            raise Unavailable("the database did not answer")
        drop(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(archiving, "_drop", fails_later)
    with pytest.raises(Unavailable):
        small.cut()
    small.is_whole(lines)
    assert set(small.verified().archived.values()) == {8}
    small.cut()
    small.is_whole(lines)
    [path] = archives(small.archives)
    assert set(small.verified().archived.values()) == {
        each.end.seq for each in read_back(path, small.store.ring.audit_public_keys())[0]
    }


@pytest.mark.parametrize(
    "deed",
    [
        "DELETE FROM audit_links WHERE seq = 2",
        "DELETE FROM audit_links WHERE seq <= 3",
        "UPDATE audit_links SET body = replace(body, '\"actor\":', '\"actor\": ') WHERE seq = 3",
    ],
)
def test_a_log_that_was_touched_is_not_archived(small: Kept, deed: str):
    """A cut would make the deed a fact of before."""
    assert small.run(deed)
    left = small.verified().links
    with pytest.raises(Tampered, match="not sound"):
        small.cut()
    assert small.verified().links == left
    assert archives(small.archives) == ()


@pytest.mark.parametrize(
    ("deed", "fault"),
    [
        ("DELETE FROM audit_links WHERE seq = (SELECT MIN(seq) FROM audit_links)", Fault.MISSING),
        ("DELETE FROM audit_links WHERE body LIKE '%audit.archive%'", Fault.MISSING),
        ("UPDATE audit_links SET body = replace(body, '\"cuts\":[[', '\"cuts\":[[[],')", Fault.EDITED),
    ],
)
def test_what_is_done_to_a_cut_log_is_found(small: Kept, deed: str, fault: Fault):
    small.cut()
    assert small.run(deed)
    assert fault in {each.fault for each in small.verified().findings}
    assert not small.exported(joined=True).is_sound


@pytest.mark.parametrize(
    ("days", "code", "said"),
    [("1826", 0, '"dropped": 0'), ("100", 1, "as long as decisions"), ("3", 2, "keep-days")],
)
def test_the_audit_is_kept_as_long_as_decisions(small: Kept, days: str, code: int, said: str):
    data = str(small.bench.settings.data_dir)
    result = CliRunner().invoke(
        audit, ["archive", str(small.archives), "--keep-days", days, "--data-dir", data, "--json"]
    )
    assert result.exit_code == code, result.output
    assert said in result.output


def test_no_spoiled_byte_of_an_archive_goes_unseen(small: Kept):
    small.cut()
    [path] = archives(small.archives)
    assert path.stat().st_mode & 0o777 == 0o600
    good, keys = path.read_bytes(), small.store.ring.audit_public_keys()
    # Of a gzip's own head five bytes say nothing: when, by which system, how hard it was pressed.
    for at in [0, 1, 2, *range(10, len(good), max(1, len(good) // 60)), len(good) - 1]:
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x41]) + good[at + 1 :])
        with pytest.raises(Tampered):
            read_back(path, keys)
    path.write_bytes(good[: len(good) // 2])
    assert Fault.UNREADABLE in {each.fault for each in small.exported(joined=True).findings}
    path.write_bytes(good)
    with pytest.raises(Tampered, match="signed"):
        read_back(path, {})
    assert small.exported(joined=True).is_sound
