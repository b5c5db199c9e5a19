"""The settings, read from the environment and from the command line; every mistake is reported at once.

Nothing else reads the environment.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from authsvc.device.relying_party import checked_origin
from authsvc.errors import ConfigurationError
from authsvc.text import did_you_mean
from authsvc.webhook.guard import networks_of

Number = TypeVar("Number", int, float)

PREFIX = "AUTHSVC_"
LONGEST_DISPLAY_NAME = 64

LONGEST_SOCKET_PATH = 90
"""An address has 108 bytes on Linux and 104 elsewhere; the worker adds a few while it takes the place of another."""


_IN_MEMORY = Path("/dev/shm")  # noqa: S108  # The files' owner is looked at before they are used.


def _mark(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One running service. Paths that are not set lie in `data_dir`."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    threads: int = 16
    biometric_workers: int = 1
    biometric_client_workers: int = 0
    data_dir: Path = Path("var")
    database_url: str = ""
    redis_url: str = ""
    base_url: str = ""
    issuer: str = "authsvc"
    display_name: str = ""
    rp_id: str = ""
    origins: str = ""
    pages: str = "enrollment.beside:with_pages"
    policy_file: Path | None = None
    warnings_file: Path | None = None
    policy_most_cells: int = 4_000_000
    lab_report: Path | None = None
    lab_report_days: int = 90
    lab_report_max_iapar: float = 0.07
    lab_report_max_bpcer: float = 0.05
    keyring_file: Path | None = None
    pkcs11_module: Path | None = None
    pkcs11_label: str = "authsvc"
    pkcs11_pin: str = ""
    pkcs11_timeout: timedelta = timedelta(seconds=2)
    model_dir: Path | None = None
    face_model: str = "dlib-resnet-v1"
    metrics_dir: Path | None = None
    free_space_mib: int = 256
    probation: timedelta = timedelta(hours=72)
    habit_wait: timedelta = timedelta(days=14)
    client_rate: int = 0
    client_threads: int = 0
    queue_timeout_ms: int = 800
    lame_duck_seconds: int = 0
    keep_decisions_days: int = 1826
    keep_events_days: int = 90
    keep_audit_days: int = 1826
    store_timeout: timedelta = timedelta(seconds=2)
    biometric_timeout: timedelta = timedelta(seconds=15)
    checkpoint_every: timedelta = timedelta(seconds=30)
    audit_witness: Path | None = None
    memory_dir: Path | None = None
    backup_dir: Path | None = None
    authority: str = ""
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    tls_client_ca_file: Path | None = None
    tls_revoked_file: Path | None = None
    admin_host: str = "127.0.0.1"
    admin_port: int | None = None
    webhook_networks: str = ""
    trusted_proxies: str = ""
    voice: bool = True
    look_alikes: bool = False
    gait: bool = False
    population: str = ""
    attestation_models: Path | None = None
    capture_attesters: Path | None = None
    payment_confirmation: bool = False
    unsafe_no_pad: bool = False
    log_level: str = "INFO"
    log_format: str = "console"
    otlp_endpoint: str = ""

    @property
    def public_url(self) -> str:
        """Where people and backends reach the service."""
        return (self.base_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def service_name(self) -> str:
        """What people read in their authenticator apps and beside their passkeys."""
        return self.display_name or urlsplit(self.issuer).hostname or self.issuer

    @property
    def related_origins(self) -> tuple[str, ...]:
        return tuple(self.origins.split(",")) if self.origins else ()

    @property
    def keyring(self) -> Path:
        return self.keyring_file or self.data_dir / "keyring.json"

    @property
    def memory(self) -> Path:
        """Where lies what must outlive the database."""
        return self.memory_dir or self.keyring.parent

    @property
    def models(self) -> Path:
        return self.model_dir or self.data_dir / "models"

    @property
    def database_file(self) -> Path:
        return self.data_dir / "authsvc.db"

    @property
    def ephemeral_file(self) -> Path:
        return self.data_dir / "ephemeral.db"

    @property
    def worker_socket(self) -> Path:
        """In the data directory, or, where its path is too long for a socket's address, in the temporary one."""
        near = (self.data_dir / "run" / "biometrics.sock").absolute()
        if len(os.fsencode(near)) <= LONGEST_SOCKET_PATH:
            return near
        return Path(tempfile.gettempdir()) / f"authsvc-{_mark(near)}" / "biometrics.sock"

    @property
    def counting_dir(self) -> Path:
        """Where metrics are counted: in memory, so that a full data directory stops no counting."""
        if self.metrics_dir is not None:
            return self.metrics_dir
        if os.access(_IN_MEMORY, os.W_OK | os.X_OK):
            return _IN_MEMORY / f"authsvc-{_mark(self.data_dir.absolute())}"
        return self.data_dir / "run" / "metrics"

    @property
    def warnings(self) -> tuple[str, ...]:
        """The frightening settings in force, as health and every receipt say them."""
        return ("unsafe-no-pad",) if self.unsafe_no_pad else ()


@dataclass(frozen=True, slots=True)
class Setting:
    """How one setting is read and explained."""

    name: str
    read: Callable[
        [str], Any
    ]  # Any: each setting has a type of its own, checked by the dataclass's annotations.
    meaning: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


def _integer(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = _number(int, text)
        if value is None or not lowest <= value <= highest:
            raise ValueError(f"must be a whole number between {lowest} and {highest}")
        return value

    return read


def _share(text: str) -> float:
    value = _number(float, text)
    if value is None or not 0 < value < 1:
        raise ValueError("must be a share between 0 and 1, such as `0.07`")
    return value


def _seconds(text: str) -> timedelta:
    value = _number(float, text)
    if value is None or not 0 < value <= 10**7:
        raise ValueError("must be a positive number of seconds, such as `2` or `0.5`")
    return timedelta(seconds=value)


def _number(kind: Callable[[str], Number], text: str) -> Number | None:
    try:
        return kind(text)
    except ValueError:
        return None


def _switch(text: str) -> bool:
    if text in ("1", "true", "yes"):
        return True
    if text in ("0", "false", "no", ""):
        return False
    raise ValueError("must be 1 or 0")


def _url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text and text.partition("://")[0] not in schemes:
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return text

    return read


def _level(text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return text.upper()


def _form(text: str) -> str:
    if text not in ("console", "json"):
        raise ValueError("must be console or json")
    return text


def _authority(text: str) -> str:
    if text not in ("", "written", "required"):
        raise ValueError("must be written or required")
    return text


def _display_name(text: str) -> str:
    name = " ".join(text.split())
    if len(name) > LONGEST_DISPLAY_NAME or not name.isprintable():
        raise ValueError(f"must be a name of {LONGEST_DISPLAY_NAME} visible characters at most")
    return name


def _origins(text: str) -> str:
    try:
        return ",".join(checked_origin(each) for each in text.replace(",", " ").split())
    except ConfigurationError as error:
        raise ValueError(error.detail) from None


def _addresses(text: str) -> str:
    for address in filter(None, text.split(",")):
        ip_address(address.strip())
    return text


def _networks(text: str) -> str:
    networks_of(text)
    return text


SETTINGS: tuple[Setting, ...] = (
    Setting("host", str, "address to listen on"),
    Setting("port", _integer(0, 65535), "port to listen on; 0 takes a free one"),
    Setting("workers", _integer(1, 64), "web processes"),
    Setting("threads", _integer(2, 256), "threads of each web process"),
    Setting("biometric_workers", _integer(1, 64), "jobs that the biometric worker computes at a time"),
    Setting(
        "biometric_client_workers",
        _integer(0, 64),
        "of these jobs for one client while another asks too; 0 for all but one",
    ),
    Setting("data_dir", Path, "folder of the embedded database, keys and models"),
    Setting("database_url", _url("postgresql"), "PostgreSQL instead of the embedded SQLite"),
    Setting(
        "redis_url",
        _url("redis", "rediss", "redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel"),
        "Redis, Redis Cluster or Redis behind Sentinels for short-lived state, needed from the second host on",
    ),
    Setting("base_url", _url("http", "https"), "address under which people reach the service"),
    Setting("issuer", str, "the receipts' issuer"),
    Setting(
        "display_name",
        _display_name,
        "read in authenticator apps, beside passkeys and in messages; by default the issuer, without what makes it a URL",
    ),
    Setting(
        "rp_id",
        str,
        "parent domain that device keys belong to, instead of the host of the address; with another one all keys are lost",
    ),
    Setting(
        "origins",
        _origins,
        "further origins whose device keys count, apart by commas: `https://shop.example`, `android:apk-key-hash:…`",
    ),
    Setting("pages", str, "what serves the pages for people beside the API; empty for the API alone"),
    Setting(
        "policy_file", Path, "policy document that an empty store is seeded with, instead of the shipped one"
    ),
    Setting("warnings_file", Path, "words of warnings, TOML, in place of those that are shipped"),
    Setting(
        "policy_most_cells",
        _integer(1_000, 10**9),
        "how many cells the analysis of a policy goes through, equal ones once; what takes more cannot be approved",
    ),
    Setting(
        "lab_report",
        Path,
        "report of `authsvc lab all` without which no policy becomes active: passing, and of the current models",
    ),
    Setting("lab_report_days", _integer(1, 3650), "days that such a report counts"),
    Setting("lab_report_max_iapar", _share, "the largest `--max-iapar` that such a report may be made with"),
    Setting("lab_report_max_bpcer", _share, "the largest `--max-bpcer` that such a report may be made with"),
    Setting("keyring_file", Path, "the key ring, by default `keyring.json` in the data directory"),
    Setting("pkcs11_module", Path, "PKCS#11 library of a token (HSM) that keeps the keys that sign"),
    Setting("pkcs11_label", str, "the token's label"),
    Setting("pkcs11_pin", str, "the PIN of the token's user"),
    Setting(
        "pkcs11_timeout", _seconds, "seconds to wait for the token; then what needs a signature is refused"
    ),
    Setting("model_dir", Path, "the weight files, by default `models` in the data directory"),
    Setting(
        "face_model",
        str,
        "the matcher by which faces are enrolled; those of another that is installed are judged by it",
    ),
    Setting("metrics_dir", Path, "folder to count metrics in, by default one in memory (`/dev/shm`)"),
    Setting(
        "population",
        str,
        "whom the service is for, in the words of the calibration's `--population`; readiness warns of thresholds set on others",
    ),
    Setting(
        "free_space_mib",
        _integer(0, 2**30),
        "MiB of free room in the data directory below which readiness carries a warning",
    ),
    Setting(
        "probation",
        _seconds,
        "seconds of the cooling period: how long what is enrolled later waits, and what was taken away is still asked for",
    ),
    Setting(
        "habit_wait",
        _seconds,
        "seconds that a settled payment stands undisputed before habits are learned from it; at least the cooling period",
    ),
    Setting(
        "client_rate",
        _integer(0, 10**6),
        "requests a second of one client (API key's owner) on one host, divided among its web processes; 0 for any number",
    ),
    Setting(
        "client_threads",
        _integer(0, 256),
        "threads of a web process that one client may have while others ask too; 0 for three quarters of them",
    ),
    Setting(
        "queue_timeout_ms",
        _integer(10, 60_000),
        "milliseconds that a whole request waits for a thread before it is answered 503",
    ),
    Setting(
        "lame_duck_seconds",
        _integer(0, 300),
        "seconds from SIGTERM to the end in which all is served and `/readyz` says no, for whoever balances load",
    ),
    Setting(
        "keep_decisions_days",
        _integer(90, 36_525),
        "days that decisions, their outcomes and issued codes are kept; the laws behind it: docs/operations/sizing.md",
    ),
    Setting(
        "keep_events_days",
        _integer(7, 36_525),
        "days that the feed of events goes back, which says what decisions and audit say as well; no law asks for it",
    ),
    Setting(
        "keep_audit_days",
        _integer(90, 36_525),
        "days of the audit that stay in the database when `authsvc audit archive` runs; at least as long as decisions",
    ),
    Setting("store_timeout", _seconds, "seconds to wait for the database or Redis before answering 503"),
    Setting("biometric_timeout", _seconds, "seconds to wait for a biometric worker before answering 503"),
    Setting("checkpoint_every", _seconds, "seconds between audit checkpoints"),
    Setting(
        "audit_witness",
        Path,
        "file to which every audit checkpoint is added, best on another machine's disk; for `audit verify --kept`",
    ),
    Setting(
        "memory_dir",
        Path,
        "folder of what must outlive the database (`audit-heads.json`, `taken-away.log`), by default that of the key ring",
    ),
    Setting(
        "backup_dir", Path, "where `authsvc backup` puts backups, and `authsvc doctor` looks how old they are"
    ),
    Setting(
        "authority",
        _authority,
        "`required` refuses rows that carry authority and have no MAC, `written` accepts them; by default what the key ring says:"
        " required, unless it is one of before and `db adopt` was not run yet",
    ),
    Setting(
        "tls_certificate_file",
        Path,
        "our certificate and its chain (PEM): TLS 1.3 of our own, read again when it changes and on SIGHUP",
    ),
    Setting("tls_key_file", Path, "the key of that certificate (PEM)"),
    Setting(
        "tls_client_ca_file",
        Path,
        "authorities of payment backends' certificates (PEM); which key needs one says `authsvc keys bind`",
    ),
    Setting("tls_revoked_file", Path, "what these authorities have revoked (CRL, PEM)"),
    Setting("admin_host", str, "address to listen on for operators"),
    Setting(
        "admin_port",
        _integer(1, 65535),
        "port for operators: `/metrics`, `/healthz`, `/readyz` and the console are served there alone, without TLS",
    ),
    Setting(
        "webhook_networks",
        _networks,
        "private networks that webhooks may be sent into, `10.20.0.0/16` and the like, by default none",
    ),
    Setting(
        "trusted_proxies",
        _addresses,
        "addresses of reverse proxies, comma between, whose `X-Forwarded-For` says where somebody comes from",
    ),
    Setting(
        "look_alikes",
        _switch,
        "1 alerts at enrollment when a face resembles that of another account; both must have agreed",
    ),
    Setting(
        "gait",
        _switch,
        "1 takes recordings of how payers walk, from those who agreed: a pilot that only ever makes a policy stricter",
    ),
    Setting("voice", _switch, "0 neither enrolls nor compares voices"),
    Setting(
        "attestation_models",
        Path,
        "TOML list of authenticator models with their roots; set, device keys of no other model are registered",
    ),
    Setting(
        "capture_attesters",
        Path,
        "TOML list of apps with their roots whose attested captures count as `attested`; without it none do",
    ),
    Setting(
        "payment_confirmation",
        _switch,
        "1 lets browsers that can show amount and payee themselves do so (Secure Payment Confirmation)",
    ),
    Setting("unsafe_no_pad", _switch, "1 takes photographs for people: for development only"),
    Setting("log_level", _level, "DEBUG, INFO, WARNING or ERROR"),
    Setting(
        "log_format",
        _form,
        "`json` writes each line of the log as one object with its request and trace, as the lines of requests always are",
    ),
    Setting(
        "otlp_endpoint",
        _url("http", "https"),
        "where OpenTelemetry spans are sent over OTLP, `http://collector:4318/v1/traces`; needs `authsvc[otel]`",
    ),
)


def read_settings(environment: Mapping[str, str] | None = None, **options: object) -> Settings:
    """The settings of an environment, with options (by name, None is not given) before it.

    Raises ConfigurationError that lists every mistake, unknown variables with our prefix included.
    """
    environment, unread = _with_files(os.environ if environment is None else environment)
    values, mistakes = _read(environment)
    mistakes += unread
    known = {setting.variable for setting in SETTINGS} | _OTHERS
    mistakes += [
        f"`{name}` is not a setting{did_you_mean(name, known)}"
        for name in environment
        if name.startswith(PREFIX) and name not in known
    ]
    if mistakes:
        raise ConfigurationError("; ".join(sorted(mistakes)))
    values.update({name: value for name, value in options.items() if value is not None})
    return Settings(**values)


def notify_socket() -> str:
    """Where systemd wants to know how far we are (`Type=notify`); empty where nobody does."""
    return os.environ.get("NOTIFY_SOCKET", "")


SECRETS = ("database_url", "redis_url", "pkcs11_pin")
"""Each of these is a secret or may hold one, and may be in a file instead: `AUTHSVC_DATABASE_URL_FILE`."""

_FROM_FILE = "_FILE"

# Read by the tests, not by the service.
_OTHERS = {"AUTHSVC_TEST_DATA"}


def _with_files(environment: Mapping[str, str]) -> tuple[Mapping[str, str], list[str]]:
    """Secrets that lie in files, where containers and systemd put them, in the place of the variables that name these."""
    read, mistakes = dict(environment), list[str]()
    for variable in (PREFIX + name.upper() for name in SECRETS):
        path = read.pop(variable + _FROM_FILE, "")
        if not path:
            continue
        if variable in read:
            mistakes.append(f"`{variable}` and `{variable}{_FROM_FILE}` are both set")
            continue
        try:
            read[variable] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            mistakes.append(f"`{variable}{_FROM_FILE}`: `{path}` cannot be read: {why}")
    return read, mistakes


def _read(environment: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    mistakes: list[str] = []
    for setting in SETTINGS:
        text = environment.get(setting.variable)
        if text is None:
            continue
        try:
            values[setting.name] = setting.read(text)
        except ValueError as error:
            shown = "not shown" if setting.name in SECRETS else f"`{text}`"
            mistakes.append(f"`{setting.variable}` is {shown}: {error}")
    return values, mistakes


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables under which another process reads the same settings."""
    environment: dict[str, str] = {}
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if value is None or value == "":
            continue
        if isinstance(value, timedelta):
            value = value.total_seconds()
        elif isinstance(value, bool):
            value = int(value)
        environment[PREFIX + entry.name.upper()] = str(value)
    return environment
