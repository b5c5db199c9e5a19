"""Settings: read once, every mistake at once."""

from datetime import timedelta
from pathlib import Path

import pytest

from authsvc.config import SETTINGS, Settings, as_environment, read_settings
from authsvc.device.attestation import TrustedModels
from authsvc.errors import ConfigurationError


def test_nothing_set_is_the_embedded_default():
    assert read_settings({}) == Settings()


def test_an_option_stands_before_the_environment():
    assert read_settings({"AUTHSVC_PORT": "9000"}, port=9001).port == 9001
    assert read_settings({"AUTHSVC_PORT": "9000"}, port=None).port == 9000


def test_every_mistake_is_told_at_once():
    with pytest.raises(ConfigurationError) as refused:
        read_settings(
            {
                "AUTHSVC_PORT": "99999",
                "AUTHSVC_WORKERS": "many",
                "AUTHSVC_REDIS_URL": "http://x",
                "AUTHSVC_UNSAFE_NO_PAD": "perhaps",
                "AUTHSVC_DATABSE_URL": "postgresql://x",
            }
        )
    for name in ("PORT", "WORKERS", "REDIS_URL", "UNSAFE_NO_PAD", "DATABSE_URL"):
        assert f"`AUTHSVC_{name}`" in refused.value.detail


def test_other_programs_variables_are_none_of_ours():
    assert read_settings({"PATH": "/bin", "AUTHSVC_TEST_DATA": "/data"}) == Settings()


def test_what_is_written_to_an_environment_reads_back():
    settings = Settings(
        port=1234,
        data_dir=Path("/srv/a"),
        database_url="postgresql://db/a",
        probation=timedelta(hours=1),
        unsafe_no_pad=True,
    )
    assert read_settings(as_environment(settings)) == settings


APP = "android:apk-key-hash:" + "A" * 43


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ()),
        ("https://shop.example", ("https://shop.example",)),
        (f"https://shop.example,{APP}", ("https://shop.example", APP)),
        (f" https://shop.example:8443 , {APP} ", ("https://shop.example:8443", APP)),
        ("https://a.example\thttps://b.example", ("https://a.example", "https://b.example")),
        ("http://localhost:3000", ("http://localhost:3000",)),
    ],
)
def test_further_origins_are_read_one_by_one(text: str, read: tuple[str, ...]):
    settings = read_settings({"AUTHSVC_ORIGINS": text})
    assert settings.related_origins == read
    assert read_settings(as_environment(settings)) == settings


@pytest.mark.parametrize(
    "text",
    [
        "shop.example",
        "http://shop.example",
        "https://shop.example/",
        "https://*.example",
        "https://127.0.0.1",
        "android:apk-key-hash:short",
        f"https://shop.example;{APP}",
        "ios:bundle-id:example",
    ],
)
def test_an_origin_that_no_browser_sends_is_a_mistake(text: str):
    with pytest.raises(ConfigurationError, match="`AUTHSVC_ORIGINS` is `"):
        read_settings({"AUTHSVC_ORIGINS": f"https://good.example,{text}", "AUTHSVC_PORT": "1"})


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({}, "authsvc"),
        ({"AUTHSVC_ISSUER": "Shop"}, "Shop"),
        ({"AUTHSVC_ISSUER": "https://auth.example"}, "auth.example"),
        ({"AUTHSVC_ISSUER": "https://auth.example:8443/tenant"}, "auth.example"),
        ({"AUTHSVC_ISSUER": "https://auth.example", "AUTHSVC_DISPLAY_NAME": "友谊支付"}, "友谊支付"),
        ({"AUTHSVC_DISPLAY_NAME": "  Friendship   Pay "}, "Friendship Pay"),
    ],
)
def test_what_people_read_is_a_name_of_its_own(environment: dict[str, str], shown: str):
    assert read_settings(environment).service_name == shown


@pytest.mark.parametrize("name", ["x" * 65, "a\u202eb", "a\x00b", "a\u200bb"])
def test_a_name_that_nobody_could_read_is_a_mistake(name: str):
    with pytest.raises(ConfigurationError, match="`AUTHSVC_DISPLAY_NAME` is `"):
        read_settings({"AUTHSVC_DISPLAY_NAME": name})


def test_every_field_can_be_set():
    assert {setting.name for setting in SETTINGS} == set(Settings.__dataclass_fields__)


def test_the_frightening_setting_is_a_warning():
    assert Settings().warnings == ()
    assert Settings(unsafe_no_pad=True).warnings == ("unsafe-no-pad",)


def test_a_socket_s_address_is_never_too_long(tmp_path: Path):
    deep = tmp_path / ("d" * 100)
    near, far = Settings(data_dir=Path("/srv/authsvc")), Settings(data_dir=deep)
    assert near.worker_socket == Path("/srv/authsvc/run/biometrics.sock")
    assert len(str(far.worker_socket)) <= 90
    assert far.worker_socket == Settings(data_dir=deep).worker_socket
    assert far.worker_socket != Settings(data_dir=deep / "e").worker_socket


NUMBERS = [
    "AUTHSVC_PORT", "AUTHSVC_WORKERS", "AUTHSVC_PROBATION", "AUTHSVC_STORE_TIMEOUT", "AUTHSVC_BIOMETRIC_TIMEOUT",
    "AUTHSVC_CHECKPOINT_EVERY", "AUTHSVC_FREE_SPACE_MIB",
]  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("text", ["3d", "many", "", "1e", "0x10", "nan", "-1", "1,5", "10 s", "九"])
def test_what_is_no_number_is_told_in_words(name: str, text: str):
    with pytest.raises(ConfigurationError, match=f"`{name}` is `{text}`: must be a ") as refused:
        read_settings({name: text})
    assert not any(word in str(refused.value) for word in ("literal", "convert", "float", "base 10"))


@pytest.mark.parametrize("name", ["nosuch.toml", ".", "file/below.toml"])
def test_a_list_of_models_that_cannot_be_read_is_named(tmp_path: Path, name: str):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ConfigurationError, match=r"^the list of authenticator models .*`.*` cannot be read: [A-Z]"
    ) as refused:
        TrustedModels.load(tmp_path / name)
    assert "Errno" not in str(refused.value)


def test_secrets_may_lie_in_files(tmp_path: Path):
    url = tmp_path / "url"
    url.write_text("postgresql://authsvc:hunter2@db/authsvc\n")
    settings = read_settings({"AUTHSVC_DATABASE_URL_FILE": str(url), "AUTHSVC_REDIS_URL_FILE": ""})
    assert settings.database_url == "postgresql://authsvc:hunter2@db/authsvc"
    assert settings.redis_url == ""


@pytest.mark.parametrize("name", ["AUTHSVC_DATABASE_URL", "AUTHSVC_REDIS_URL"])
def test_a_secret_that_cannot_be_read_is_told_and_never_shown(tmp_path: Path, name: str):
    url = tmp_path / "url"
    url.write_bytes(b"mysql://hunter2@db")
    for environment in (
        {f"{name}_FILE": str(url)},
        {f"{name}_FILE": str(tmp_path / "absent")},
        {f"{name}_FILE": str(url), name: "redis://x"},
        {f"{name}_FILE": str(tmp_path)},
    ):
        with pytest.raises(ConfigurationError, match=name) as told:
            read_settings(environment)
        assert "hunter2" not in told.value.detail
    url.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="no text"):
        read_settings({f"{name}_FILE": str(url)})


def test_only_secrets_may_lie_in_files():
    with pytest.raises(ConfigurationError, match="AUTHSVC_PORT_FILE"):
        read_settings({"AUTHSVC_PORT_FILE": "/a"})
