#!/usr/bin/env python3
"""What we depend on, read from `uv.lock` alone: an SBOM with licences (CycloneDX 1.5), and an audit that needs no network.

    scripts/dependencies.py sbom FILE           every package that can come with ours; ends with 1 where one has no licence
    scripts/dependencies.py licences            the same as a list
    scripts/dependencies.py audit DUMP          against advisories in OSV's form (https://osv.dev, `PyPI/all.zip`, packed or
                                                unpacked), and whether every file that may be installed is pinned by its hash

Licences are those that the installed packages state; what is not installed here stands in `scripts/licences.toml`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
KNOWN = ROOT / "scripts" / "licences.toml"
Package = Mapping[str, Any]


def locked(root: Path = ROOT) -> list[Package]:
    """Every package that can come with ours, in whatever version the markers choose; what only development needs is left out."""
    packages: list[Package] = tomllib.loads((root / "uv.lock").read_text())["package"]
    by_name: dict[str, list[Package]] = {}
    for each in packages:
        by_name.setdefault(each["name"], []).append(each)
    [ours] = by_name["authsvc"]
    waiting = [*_named(ours.get("dependencies", ())), *_extras(ours)]
    found: dict[tuple[str, str], Package] = {}
    while waiting:
        for each in by_name.get(waiting.pop(), ()):
            key = each["name"], each.get("version", "")
            if each is not ours and key not in found:
                found[key] = each
                waiting += [*_named(each.get("dependencies", ())), *_extras(each)]
    # What the lock names without a file (torch, of the extra `ecapa`) is the operator's to place, by pip.
    return [found[key] for key in sorted(found) if hashes_of(found[key])]


def _named(dependencies: Iterable[Mapping[str, str]]) -> Iterator[str]:
    return (each["name"] for each in dependencies)


def _extras(package: Package) -> Iterator[str]:
    for dependencies in package.get("optional-dependencies", {}).values():
        yield from _named(dependencies)


def licence_of(name: str, known: Mapping[str, str]) -> str | None:
    """As the package states it, in the order of how exact that is."""
    if name in known:
        return known[name]
    try:
        stated = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    classified = [
        each.rpartition(" :: ")[2]
        for each in stated.get_all("Classifier") or ()
        if each.startswith("License ::")
    ]
    for found in (stated.get("License-Expression"), *classified, _first_line(stated.get("License"))):
        if found and found not in ("OSI Approved", "UNKNOWN"):
            return found
    return None


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0][:80]


def hashes_of(package: Package) -> list[str]:
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
    return [each.get("hash", "") for each in files]


def sbom(packages: Iterable[Package], known: Mapping[str, str], version: str) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": "authsvc", "name": "authsvc", "version": version}
        },
        "components": [_component(each, licence_of(each["name"], known)) for each in packages],
    }


def _component(package: Package, licence: str | None) -> dict[str, Any]:
    purl = f"pkg:pypi/{package['name']}@{package['version']}"
    hashes = [
        {"alg": "SHA-256", "content": each.removeprefix("sha256:")} for each in hashes_of(package) if each
    ]
    # A name, as not every package writes an SPDX expression.
    licences = [{"license": {"name": licence}}] if licence else []
    said = {
        "type": "library",
        "bom-ref": purl,
        "name": package["name"],
        "version": package["version"],
        "purl": purl,
    }
    return {**said, "licenses": licences, "hashes": hashes[:1]}


def advised(
    packages: Iterable[Package], advisories: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, str, str]]:
    """Package, version and advisory, for each that concerns what is locked."""
    by_name: dict[str, list[Package]] = {}
    for each in packages:
        by_name.setdefault(canonicalize_name(each["name"]), []).append(each)
    for advisory in advisories:
        if "withdrawn" in advisory:
            continue
        for affected in advisory.get("affected", ()):
            named = affected.get("package", {})
            for package in by_name.get(canonicalize_name(named.get("name", "")), ()):
                if named.get("ecosystem") == "PyPI" and _is_affected(package["version"], affected):
                    yield package["name"], package["version"], str(advisory.get("id"))


def _is_affected(version: str, affected: Mapping[str, Any]) -> bool:
    if version in affected.get("versions", ()):
        return True
    ranges = [each for each in affected.get("ranges", ()) if each.get("type") in ("ECOSYSTEM", "SEMVER")]
    return any(_is_within(Version(version), each.get("events", ())) for each in ranges)


def _is_within(version: Version, events: Iterable[Mapping[str, str]]) -> bool:
    """OSV's events in order: from `introduced` on, until before `fixed`, or up to `last_affected`."""
    inside = False
    for event in events:
        if "introduced" in event and (event["introduced"] == "0" or version >= Version(event["introduced"])):
            inside = True
        if "fixed" in event and version >= Version(event["fixed"]):
            inside = False
        if "last_affected" in event and version > Version(event["last_affected"]):
            inside = False
    return inside


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sbom").add_argument("file", type=Path)
    commands.add_parser("licences")
    commands.add_parser("audit").add_argument("dump", type=Path)
    options = parser.parse_args()
    packages = locked()
    known = {canonicalize_name(name): text for name, text in tomllib.loads(KNOWN.read_text()).items()}
    if options.command == "audit":
        sys.exit(_audit(packages, options.dump))
    licences = {each["name"]: licence_of(each["name"], known) for each in packages}
    if options.command == "licences":
        print("\n".join(f"{name:32} {licence or 'NONE'}" for name, licence in licences.items()))
    else:
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        options.file.parent.mkdir(parents=True, exist_ok=True)
        options.file.write_text(json.dumps(sbom(packages, known, version), indent=1) + "\n")
        print(f"{options.file}: {len(packages)} packages")
    without = sorted(name for name, licence in licences.items() if licence is None)
    if without:
        sys.exit(f"no licence is known of: {', '.join(without)} (scripts/licences.toml)")


def advisories_in(dump: Path) -> list[Mapping[str, Any]]:
    """One in each file: of the archive as it is published, or of a folder."""
    if dump.is_dir():
        return [json.loads(path.read_bytes()) for path in sorted(dump.rglob("*.json"))]
    with zipfile.ZipFile(dump) as packed:
        return [json.loads(packed.read(name)) for name in sorted(packed.namelist()) if name.endswith(".json")]


def _audit(packages: list[Package], dump: Path) -> int:
    unpinned = [each["name"] for each in packages if not all(hashes_of(each))]
    advisories = advisories_in(dump)
    found = list(advised(packages, advisories))
    for name, version, advisory in found:
        print(f"{name} {version}: {advisory}")
    for name in unpinned:
        print(f"{name}: not pinned by a hash")
    print(f"{len(packages)} packages, {len(advisories)} advisories, {len(found)} findings")
    return 1 if found or unpinned or not advisories else 0


if __name__ == "__main__":
    main()
