"""Settings: the environment before the file, and nothing secret where it may be read."""

from __future__ import annotations

import os
import re
import traceback
from pathlib import Path

import pytest

from sleepbalance.errors import UsageError
from sleepbalance.settings import SETTINGS, Client, Settings, load

WHOLE = """
[providers.maker]
client_id = "filed"
client_secret = "planted-in-file"
redirect_uri = "https://sleep.example/callback"
"""


def refusal(folder: Path, text: str) -> str:
    (folder / "settings.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load(folder, {})
    said = "".join(traceback.format_exception(caught.value))
    assert "planted" not in said
    return str(caught.value)


def test_nothing_is_set(tmp_path: Path) -> None:
    settings = load(tmp_path, {})
    assert settings.client("maker") is None
    assert settings.sandbox_url is None
    assert settings.providers == frozenset()


def test_a_file_in_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(WHOLE)
    settings = load(tmp_path, {})
    client = Client("filed", "planted-in-file", "https://sleep.example/callback")
    assert settings.client("maker") == client
    assert settings.client("other") is None
    assert settings.providers == {"maker"}


def test_the_environment_goes_first(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(WHOLE)
    environ = {
        "SLEEPBALANCE_MAKER_CLIENT_ID": " given ",
        "SLEEPBALANCE_MAKER_REDIRECT_URI": "http://127.0.0.1:8723/callback",
        "SLEEPBALANCE_MAKER_CLIENT_SECRET": "",  # as good as none
        "SLEEPBALANCE_THE_OTHER_CLIENT_ID": "theirs",
    }
    settings = load(tmp_path, environ)
    client = Client("given", "planted-in-file", "http://127.0.0.1:8723/callback")
    assert settings.client("maker") == client
    assert settings.client("the_other") == settings.client("the-other") == Client("theirs")
    assert settings.providers == {"maker", "the_other"}


def test_a_file_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    environ = {"SLEEPBALANCE_SETTINGS": str(file)}
    with pytest.raises(UsageError, match=r"mine\.toml is not there.*SLEEPBALANCE_SETTINGS"):
        load(tmp_path, environ)
    file.write_text("\ufeff" + WHOLE)
    settings = load(tmp_path / "nowhere", environ)
    assert settings.file == file
    client = settings.client("maker")
    assert client is not None
    assert client.id == "filed"


def test_a_secret_in_a_file_of_its_own(tmp_path: Path) -> None:
    """A relative path goes by the settings file, or in a variable by where the command runs."""
    (tmp_path / "secret").write_text("mounted\n")
    (tmp_path / "settings.toml").write_text(
        '[providers.maker]\nclient_id = "i"\nclient_secret_file = "secret"\n'
    )
    assert load(tmp_path, {}).client("maker") == Client("i", "mounted")
    (tmp_path / "given").write_text("given")
    relative = os.path.relpath(tmp_path / "given")
    for path in (tmp_path / "given", relative):
        environ = {
            "SLEEPBALANCE_MAKER_CLIENT_SECRET_FILE": str(path),
            "SLEEPBALANCE_MAKER_CLIENT_SECRET": "not this one",
        }
        assert load(tmp_path, environ).client("maker") == Client("i", "given")


def test_a_secret_file_that_is_not_right(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    environ = {
        "SLEEPBALANCE_MAKER_CLIENT_ID": "i",
        "SLEEPBALANCE_MAKER_CLIENT_SECRET_FILE": str(secret),
    }
    settings = load(tmp_path, environ)  # who asks for another provider is not bothered
    assert settings.client("other") is None
    with pytest.raises(UsageError, match=r"maker cannot be read from .*No such file"):
        settings.client("maker")
    secret.write_text("\n")
    with pytest.raises(UsageError, match="is empty"):
        settings.client("maker")
    secret.write_bytes(b"planted \xff")
    with pytest.raises(UsageError, match="it is no text") as caught:
        settings.client("maker")
    assert "planted" not in str(caught.value)


def test_a_secret_of_nobody(tmp_path: Path) -> None:
    settings = load(tmp_path, {"SLEEPBALANCE_MAKER_CLIENT_SECRET": "planted"})
    with pytest.raises(UsageError, match="no SLEEPBALANCE_MAKER_CLIENT_ID") as caught:
        settings.client("maker")
    assert "planted" not in str(caught.value)


def test_nothing_secret_shows(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(WHOLE)
    settings = load(tmp_path, {"SLEEPBALANCE_MAKER_CLIENT_SECRET": "planted-too"})
    client = settings.client("maker")
    assert client is not None
    assert client.secret == "planted-too"
    for value in (settings, client, vars_of(settings)):
        assert "planted" not in repr(value)
    assert "filed" in repr(client)


def vars_of(settings: Settings) -> list[object]:
    return [getattr(settings, name) for name in Settings.__slots__]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[providers.maker]\nclient_id = "x"\nclient_secret = planted', "line 3"),
        ('[providers.maker]\nclient_idd = "planted"', "[providers.maker]: .*`client_idd`"),
        ('[providers.maker]\nclient_secret = ["planted"]', "client_secret"),
        ("[providers.maker]\nclient_id = 7", "Expected `str`, got `int`"),
        ("[providers]\nmaker = 'planted'", "[providers.maker]"),
        ("providers = 'planted'", "[providers.NAME]"),
        ("[provider.maker]\nclient_id = 'planted'", "nothing is called provider"),
    ],
)
def test_a_file_that_is_not_right(tmp_path: Path, text: str, said: str) -> None:
    message = refusal(tmp_path, text)
    assert str(tmp_path / "settings.toml") in message
    for part in said.split(".*"):
        assert part in message


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(b"planted \xff")
    with pytest.raises(UsageError, match="no text in UTF-8"):
        load(tmp_path, {})
    file.unlink()
    file.mkdir()
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load(tmp_path, {})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://127.0.0.1:8730/", "http://127.0.0.1:8730"),
        ("https://sandbox.example/below/", "https://sandbox.example/below"),
        ("http://[::1]:8730", "http://[::1]:8730"),
        (" ", None),
        ("", None),
    ],
)
def test_a_sandbox(tmp_path: Path, given: str, kept: str | None) -> None:
    assert load(tmp_path, {"SLEEPBALANCE_SANDBOX_URL": given}).sandbox_url == kept


@pytest.mark.parametrize(
    "bad",
    [
        "127.0.0.1:8730",
        "localhost",
        "ftp://x",
        "http://",
        "http://[",
        "http://x:99999",
        "http://planted:too@x",
        "http://x/#y",
        "http://x y",
    ],
)
def test_what_is_no_address(tmp_path: Path, bad: str) -> None:
    with pytest.raises(UsageError, match="SLEEPBALANCE_SANDBOX_URL is no address") as caught:
        load(tmp_path, {"SLEEPBALANCE_SANDBOX_URL": bad})
    assert "planted" not in str(caught.value)
    environ = {"SLEEPBALANCE_MAKER_CLIENT_ID": "i", "SLEEPBALANCE_MAKER_REDIRECT_URI": bad}
    with pytest.raises(UsageError, match="SLEEPBALANCE_MAKER_REDIRECT_URI"):
        load(tmp_path, environ).client("maker")


def test_every_setting_is_told() -> None:
    known = {setting.name for setting in SETTINGS}
    assert len(known) == len(SETTINGS)
    assert all(setting.what for setting in SETTINGS)
    source = Path(__file__).parents[1] / "src"
    read = {
        name
        for path in source.rglob("*.py")
        for name in re.findall(r"SLEEPBALANCE_[A-Z_]*[A-Z]\b", path.read_text())
    }
    assert "SLEEPBALANCE_DATA" in read
    assert read <= known


def test_every_key_of_the_file_is_told(tmp_path: Path) -> None:
    keys = [setting.key.rpartition(".")[2] for setting in SETTINGS if setting.key]
    lines = ["[providers.maker]", *(f'{key} = "x"' for key in keys)]
    (tmp_path / "settings.toml").write_text("\n".join(lines))
    assert load(tmp_path, {}).providers == {"maker"}
    assert len(keys) == 5
