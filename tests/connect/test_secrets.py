"""Nothing secret in anything that is written: files, logs, tables, messages, tracebacks."""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from sleepbalance import sandbox
from sleepbalance.app import connected
from sleepbalance.cli import plain
from sleepbalance.errors import SleepBalanceError
from sleepbalance.store import tokens
from sleepbalance.store.engine import reading
from tests.connect.played import MAKER, Home, Makers, Shell
from tests.homes import rows

FIRST = dt.date(2026, 10, 20)


class _Ears(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())
        if record.exc_info:
            self.heard += traceback.format_exception(*record.exc_info)


@pytest.fixture
def log() -> Iterator[list[str]]:
    ears, root = _Ears(), logging.getLogger()
    before = root.level
    root.addHandler(ears)
    root.setLevel(logging.DEBUG)
    yield ears.heard
    root.setLevel(before)
    root.removeHandler(ears)


def _spellings(secret: str) -> set[bytes]:
    """As it may have been written down."""
    raw = secret.encode()
    return {
        raw,
        quote(secret, safe="").encode(),
        base64.b64encode(raw),
        json.dumps(secret)[1:-1].encode(),
    }


def _tokens(home: Home) -> set[str]:
    outside = home.makers.outside(home.app)
    (row,) = connected.listed(home.app)
    with reading(home.app.engine) as connection:
        kept = tokens.stored(connection, row["id"])
    assert kept is not None
    grant = tokens.opened(outside.vault, kept)
    assert grant.refresh
    return {grant.access, grant.refresh}


def test_tokens_are_nowhere(
    here: Home, played: Makers, log: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here.edges = {"timeout": 1.0, "patience": 0.0}
    said: list[str] = []
    links = here.links()
    login = links.begin(links.redirect_by_hand)
    back = dict(parse_qsl(urlsplit(sandbox.consent(login.address, person="1")).query))
    received = links.receive(login, back)
    said += [repr(x) for x in (login, received, received.grant, links, links.outside)]
    links.keep(received)
    secrets = {back["code"], login.state} | _tokens(here)
    for fault, path in (("500", ""), ("malformed", "sleep"), ("cut", ""), ("500", "/token")):
        played.fault(fault, path)
        played.move(hours=2)
        here.sync(FIRST)
        played.heal()
        try:
            here.connect()
        except SleepBalanceError as error:
            said += traceback.format_exception(error)
        secrets |= _tokens(here)
    here.sync(FIRST)
    secrets |= _tokens(here)
    said += [repr(rows(here.app)), repr(connected.listed(here.app))]
    plain.as_json(connected.listed(here.app), purpose=None)
    plain.as_json(here.app.history(None), purpose=None)
    said += [*log, capsys.readouterr().out]
    assert len(secrets) >= 4
    written = "\n".join(said).encode()
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"sb1." in data for data in files)  # they are there, sealed
    for secret in secrets:
        for spelling in _spellings(secret):
            assert spelling not in written
            assert not any(spelling in data for data in files)


def test_what_the_command_prints_holds_none(shell: Shell, played: Makers) -> None:
    said = shell.connect()
    address = next(line for line in said.splitlines() if line.startswith("http"))
    allowed = parse_qsl(urlsplit(address).query)
    assert not {"code_verifier", "client_secret", "code"} & {name for name, _ in allowed}
    played.fault("revoked", "sleep", times=1)
    for words in (("sync",), ("connections", "--json"), ("history", "--json"), ("doctor",)):
        done = shell.run(*words, check=None)
        said = done.stdout + done.stderr
        assert "ya29" not in said
        assert "Bearer" not in said


def test_the_key_is_its_owners_alone(shell: Shell) -> None:
    shell.connect()
    key = shell.data / "master.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.rename(key.with_name("elsewhere"))
    done = shell.run("sync", check=None)
    assert done.returncode == 1
    assert MAKER in done.stdout + done.stderr or "key" in done.stderr
