"""The example deployments: read by the tools that are for them where they are installed, and held to what they promise."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from authsvc.config import PREFIX, SECRETS, SETTINGS
from authsvc.serving.settings import ServerSettings
from tests.support.certificates import Authority

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*"))
VARIABLES = {each.variable for each in SETTINGS} | {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}

Document = Mapping[str, Any]


def manifests() -> Iterator[Document]:
    for path in sorted(DEPLOY.glob("kubernetes/*.yaml")):
        yield from yaml.safe_load_all(path.read_text())


def pods() -> list[Document]:
    return [each["spec"]["template"]["spec"] for each in manifests() if "template" in each.get("spec", {})]


@pytest.mark.parametrize(
    "path", [path for path in sorted(DEPLOY.rglob("*")) if path.is_file()], ids=lambda path: path.name
)
def test_every_setting_that_is_named_is_one(path: Path):
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+", path.read_text()))
    assert named <= VARIABLES, named - VARIABLES


def test_systemd_accepts_the_units(tmp_path: Path):
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in UNITS:
        # What is not installed where the tests run stands elsewhere here.
        text = unit.read_text().replace(
            "/opt/authsvc/bin/authsvc", str(Path(sys.executable).with_name("authsvc"))
        )
        (tmp_path / unit.name).write_text(text.replace("=authsvc\n", "=root\n"))
    found = [str(tmp_path / unit.name) for unit in UNITS]
    done = subprocess.run([program, "verify", "--man=no", *found], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "authsvc" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_the_service_gives_up_what_it_does_not_need():
    text = (DEPLOY / "systemd/authsvc.service").read_text()
    for line in (
        "User=authsvc",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "KillMode=mixed",
    ):
        assert f"\n{line}\n" in text
    assert "kill -HUP $MAINPID" in text


def test_nginx_accepts_its_file(tmp_path: Path):
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    pair = Authority(tmp_path).issue("pay.example")
    text = (DEPLOY / "nginx/authsvc.conf").read_text()
    text = text.replace("/etc/nginx/tls/pay.example.pem", str(pair.certificate))
    text = text.replace("/etc/nginx/tls/pay.example-key.pem", str(pair.key))
    spaces = " ".join(
        f"{name}_temp_path {tmp_path / name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = (
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{ access_log off; {spaces}\n{text}\n}}\n"
    )
    (tmp_path / "nginx.conf").write_text(whole)
    done = subprocess.run(
        [program, "-t", "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_proxies_believe_no_client_and_hide_what_is_for_operators():
    nginx, envoy = ((DEPLOY / name).read_text() for name in ("nginx/authsvc.conf", "envoy/authsvc.yaml"))
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in nginx
    assert 'proxy_set_header Client-Cert "";' in nginx
    assert "proxy_next_upstream error timeout;" in nginx
    [listener] = yaml.safe_load(envoy)["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    assert (manager["use_remote_address"], manager["xff_num_trusted_hops"]) == (True, 0)
    assert manager["route_config"]["request_headers_to_remove"] == ["client-cert"]
    hidden = manager["route_config"]["virtual_hosts"][0]["routes"][0]["match"]["safe_regex"]["regex"]
    for path in ("/metrics", "/readyz", "/healthz", "/console/users"):
        assert re.fullmatch(hidden, path)
    assert not re.fullmatch(hidden, "/v1/decisions")


def container() -> list[str]:
    text = (DEPLOY / "container/Containerfile").read_text()
    return re.sub(r"\\\n\s*", " ", text).splitlines()


def test_the_container_is_not_root_and_brings_no_secret():
    lines = [line for line in container() if line and not line.startswith("#")]
    last = [line for line in lines if line.startswith("USER")][-1]
    assert int(last.split()[1].partition(":")[0]) >= 10_000
    assert lines.index(last) > max(number for number, line in enumerate(lines) if line.startswith("RUN"))
    assert not [line for line in lines if line.startswith("ADD")]
    copied = [line for line in lines if line.startswith("COPY") and "--from" not in line]
    assert not re.search(r"var\b|keyring|secret|\s\.\s", " ".join(copied))
    assert not [line for line in lines if "latest" in line]


def test_what_the_container_copies_is_there():
    for line in container():
        if line.startswith("COPY") and "--from" not in line:
            *sources, _ = line.split()[1:]
            assert [each for each in sources if not (DEPLOY.parent / each).exists()] == []


def test_compose_lays_out_what_doctor_asks_for():
    stated = yaml.safe_load((DEPLOY / "container/compose.yml").read_text())
    service, redis = stated["services"]["authsvc"], stated["services"]["redis"]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert redis["command"][-1] == "noeviction"
    assert "--appendonly" in redis["command"]
    assert set(service["secrets"]) <= set(stated["secrets"])
    used = {
        volume.partition(":")[0] for each in stated["services"].values() for volume in each.get("volumes", [])
    }
    assert used == set(stated["volumes"])
    assert not re.search(r"PASSWORD\s*[:=]\s*\w", (DEPLOY / "container/compose.yml").read_text())


def test_kubernetes_runs_nothing_as_root_and_writes_only_where_it_is_named():
    assert len(pods()) == 2
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        mounts = {volume["name"] for volume in pod["volumes"]} | {"state"}
        for each in pod["containers"]:
            assert each["securityContext"]["readOnlyRootFilesystem"] is True
            assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {mount["name"] for mount in each["volumeMounts"]} <= mounts
        for volume in pod["volumes"]:
            assert volume.get("secret", {"defaultMode": 0o400})["defaultMode"] == 0o400


def test_kubernetes_asks_operators_ports_whether_a_host_is_ready():
    by_kind = {(each["kind"], each["metadata"]["name"]): each for each in manifests()}
    host = by_kind["StatefulSet", "authsvc"]["spec"]
    [container] = host["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "operators"}
    labels = host["template"]["metadata"]["labels"]
    for kind, name in (("Service", "authsvc"), ("PodDisruptionBudget", "authsvc")):
        selector = by_kind[kind, name]["spec"]["selector"]
        assert selector.get("matchLabels", selector) == labels
    rules = by_kind["NetworkPolicy", "authsvc"]["spec"]["ingress"]
    assert [("from" in rule, rule["ports"][0]["port"]) for rule in rules] == [
        (False, "public"),
        (True, "operators"),
    ]


def test_a_host_that_ends_serves_until_the_proxy_has_noticed_and_has_time_to_drain():
    unit = (DEPLOY / "systemd/authsvc.service").read_text()
    pod = next(each for each in pods() if each["containers"][0]["args"] == ["serve"])
    [stated] = [
        each["value"] for each in pod["containers"][0]["env"] if each["name"] == "AUTHSVC_LAME_DUCK_SECONDS"
    ]
    by_place = {
        "kubernetes": (int(stated), pod["terminationGracePeriodSeconds"]),
        "systemd": (_number(r"LAME_DUCK_SECONDS=(\d+)", unit), _number(r"TimeoutStopSec=(\d+)", unit)),
    }
    [envoy] = re.findall(r"\{timeout: .*http_health_check.*\}", (DEPLOY / "envoy/authsvc.yaml").read_text())
    timeout, interval, missed = (
        _number(rf"{name}: (\d+)", envoy) for name in ("timeout", "interval", "unhealthy_threshold")
    )
    for place, (lame_duck, stop) in by_place.items():
        assert lame_duck >= interval * missed + timeout, place
        assert stop > lame_duck + ServerSettings().drain_seconds, place


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found is not None, pattern
    return int(found[1])


def test_kubernetes_schema_accepts_the_manifests():
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for each in manifests():
        validate.validate(each, "1.29", strict=True)
