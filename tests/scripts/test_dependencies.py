"""What we depend on, from the lock: nothing without a licence, nothing unpinned, and advisories that are found offline."""

import importlib.util
import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "dependencies.py"


@pytest.fixture(scope="module")
def dependencies() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dependencies", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_package_is_without_a_licence_and_none_unpinned(dependencies: ModuleType):
    packages = dependencies.locked()
    known = tomllib.loads((ROOT / "scripts/licences.toml").read_text())
    assert len(packages) > 60
    assert [each["name"] for each in packages if dependencies.licence_of(each["name"], known) is None] == []
    assert [each["name"] for each in packages if not all(dependencies.hashes_of(each) or [""])] == []
    # And nothing stands there for what is not locked any more.
    assert set(known) <= {each["name"] for each in packages}


def test_the_sbom_says_what_a_wheel_may_bring(tmp_path: Path):
    file = tmp_path / "dist" / "sbom.json"
    done = subprocess.run([sys.executable, SCRIPT, "sbom", file], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    said = json.loads(file.read_text())
    assert (said["bomFormat"], said["specVersion"]) == ("CycloneDX", "1.5")
    named = {each["name"]: each for each in said["components"]}
    assert {"flask", "cryptography", "psycopg", "onnxruntime"} <= set(named)
    assert not {"pytest", "ruff", "mypy", "authsvc"} & set(named)
    assert len({each["bom-ref"] for each in said["components"]}) == len(said["components"])
    assert all(each["licenses"] and len(each["hashes"][0]["content"]) == 64 for each in said["components"])


LOCKED = [{"name": "left-pad", "version": "1.4.2"}, {"name": "ruamel-yaml", "version": "2.0"}]


def advisory(name: str, *, ecosystem: str = "PyPI", **affected: Any) -> dict[str, Any]:
    return {"id": "OSV-1", "affected": [{"package": {"name": name, "ecosystem": ecosystem}, **affected}]}


def within(*events: dict[str, str]) -> list[dict[str, Any]]:
    return [{"type": "ECOSYSTEM", "events": list(events)}]


@pytest.mark.parametrize(
    ("said", "is_found"),
    [
        (advisory("left-pad", ranges=within({"introduced": "0"})), True),
        (advisory("Left_Pad", ranges=within({"introduced": "1.0"}, {"fixed": "1.5"})), True),
        (advisory("left-pad", ranges=within({"introduced": "1.0"}, {"fixed": "1.4.2"})), False),
        (advisory("left-pad", ranges=within({"introduced": "0"}, {"last_affected": "1.4.2"})), True),
        (advisory("left-pad", ranges=within({"introduced": "0"}, {"last_affected": "1.4.1"})), False),
        (advisory("left-pad", ranges=within({"introduced": "1.10"})), False),
        (advisory("left-pad", versions=["1.4.2"]), True),
        (advisory("left-pad", versions=["1.4.3"]), False),
        (advisory("ruamel.yaml", versions=["2.0"]), True),
        (advisory("left-pad", ecosystem="npm", versions=["1.4.2"]), False),
        (advisory("right-pad", versions=["1.4.2"]), False),
        ({**advisory("left-pad", versions=["1.4.2"]), "withdrawn": "2026-01-01T00:00:00Z"}, False),
    ],
)
def test_an_advisory_is_held_against_what_is_locked(
    dependencies: ModuleType, said: dict[str, Any], is_found: bool
):
    assert bool(list(dependencies.advised(LOCKED, [said]))) is is_found


@pytest.mark.parametrize(("said", "code"), [(None, 1), ("flask", 1), ("nobody-has-this", 0)])
def test_an_audit_without_advisories_is_none(tmp_path: Path, said: str | None, code: int):
    if said is not None:
        whole = advisory(said, ranges=within({"introduced": "0"}))
        (tmp_path / "OSV-1.json").write_text(json.dumps(whole))
    done = subprocess.run(
        [sys.executable, SCRIPT, "audit", tmp_path], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "packages," in done.stdout


def published(number: int, name: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:
    """A record with all that those of PyPI's dump have (OSV schema 1.7), of which an audit needs a part."""
    return {
        "schema_version": "1.7.3",
        "id": f"PYSEC-2026-{number}",
        "aliases": [f"CVE-2026-{number}", "GHSA-xxxx-yyyy-zzzz"],
        "published": "2026-01-02T03:04:05Z",
        "modified": "2026-02-03T04:05:06.789Z",
        "summary": "a summary",
        "details": "more of it, in *Markdown*: `{}`",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": name, "purl": f"pkg:pypi/{name}"},
                "ranges": [
                    {"type": "GIT", "repo": "https://git.example/x", "events": [{"introduced": "0" * 40}]},
                    {"type": "ECOSYSTEM", "events": list(events)},
                ],
                "versions": ["0.0.1", "0.0.2rc1"],
                "database_specific": {"source": "https://advisories.example/x.yaml"},
            }
        ],
        "references": [{"type": "ADVISORY", "url": "https://advisories.example/x"}],
        "database_specific": {"severity": "HIGH"},
        **more,
    }


def test_a_dump_as_it_is_published_is_read_as_it_is(tmp_path: Path, dependencies: ModuleType):
    version = next(each["version"] for each in dependencies.locked() if each["name"] == "flask")
    records = [
        published(1, "flask", {"introduced": "0"}, {"fixed": version}),
        published(2, "Flask", {"introduced": "0"}, {"last_affected": version}),
        published(3, "flask", {"introduced": version}, withdrawn="2026-03-04T05:06:07Z"),
        published(4, "somebody-elses", {"introduced": "0"}),
        published(5, "flask", {"introduced": "0"}, {"fixed": "0.1"}, {"introduced": version}),
        # In the dump of PyPI, too, a record may say what other ecosystems have.
        {**published(6, "flask", {"introduced": "0"}), "affected": []},
        {"schema_version": "1.7.3", "id": "MAL-2026-7", "modified": "2026-02-03T04:05:06Z"},
    ]
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for record in records:
            packed.writestr(f"{record['id']}.json", json.dumps(record))
    command = [sys.executable, str(SCRIPT), "audit", str(tmp_path / "all.zip")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1, done.stderr
    *found, summary = done.stdout.splitlines()
    assert found == [f"flask {version}: PYSEC-2026-2", f"flask {version}: PYSEC-2026-5"]
    assert summary.endswith(" 7 advisories, 2 findings")
