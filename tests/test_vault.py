"""What is sealed opens in its own place, under keys from anywhere, and shows nowhere."""

from __future__ import annotations

import base64
import datetime as dt
import os
import secrets
import string
import subprocess
import sys
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as Forgetful

from sleepbalance.errors import Fatal
from sleepbalance.vault import (
    KEEP,
    Key,
    OwnPlace,
    Vault,
    find,
    is_sealed,
    key_of,
    place_of,
    sealed_under,
)
from sleepbalance.vault.keys import make_key, read, write
from sleepbalance.vault.ring import Backend, Ring
from tests.keyrings import FileKeyring

ROOT = Path(__file__).parents[1]
NOW = dt.datetime(2026, 11, 22, 20, tzinfo=dt.UTC)
AT = ("wearable_connections", "018f", "access_token")
as_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root")


def word() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def given_keys(*words: str) -> Vault:
    return find(Path("/nowhere"), {"SLEEPBALANCE_MASTER_KEY": ",".join(words)})


def own(folder: Path) -> OwnPlace:
    place = place_of(folder, {})
    assert isinstance(place, OwnPlace)
    return place


def refusal(folder: Path, environ: Mapping[str, str]) -> str:
    with pytest.raises(Fatal) as caught:
        find(folder, environ)
    return str(caught.value)


# -- sealing -----------------------------------------------------------------------------------

OLD, NEW = word(), word()
VAULT = given_keys(NEW, OLD)
_texts = st.text(st.characters(exclude_categories=()))  # lone surrogates too
_names = st.text("ab1:._\0", max_size=4)


@settings(deadline=None)
@given(_texts, _names, _names, _names)
def test_what_is_sealed_opens_again(text: str, table: str, row: str, column: str) -> None:
    sealed = VAULT.seal(text, table, row, column)
    assert VAULT.open(sealed, table, row, column) == text
    assert key_of(sealed) == VAULT.active
    assert sealed.isascii()
    assert VAULT.seal(text, table, row, column) != sealed


@settings(deadline=None)
@given(st.tuples(_names, _names, _names), st.tuples(_names, _names, _names))
def test_it_opens_nowhere_else(here: tuple[str, str, str], there: tuple[str, str, str]) -> None:
    assume(here != there)
    sealed = VAULT.seal("secret", *here)
    with pytest.raises(Fatal, match="altered, or moved"):
        VAULT.open(sealed, *there)


@settings(deadline=None)
@given(st.data())
def test_it_does_not_open_altered(data: st.DataObject) -> None:
    sealed = VAULT.seal("a token", *AT)
    at = data.draw(st.integers(0, len(sealed)))
    cut = data.draw(st.integers(at, min(at + 2, len(sealed))))
    put = data.draw(st.text("ABCDabcd0123-_.=\n ", max_size=3))
    altered = sealed[:at] + put + sealed[cut:]
    assume(altered != sealed)
    with pytest.raises(Fatal):
        VAULT.open(altered, *AT)


def test_there_is_one_spelling_of_it() -> None:
    """The last letter holds bits that a decoder throws away."""
    sealed = VAULT.seal("a token", *AT)
    letters = string.ascii_letters + string.digits + "-_"
    for letter in set(letters) - {sealed[-1]}:
        with pytest.raises(Fatal, match="altered"):
            VAULT.open(sealed[:-1] + letter, *AT)


@pytest.mark.parametrize("text", ["", "ya29.token", "sb1.", "sb1.0123abcd.", "sb1.xyz.AAAA"])
def test_what_is_not_sealed_is_not_used(text: str) -> None:
    assert not is_sealed(text)
    assert key_of(text) is None
    with pytest.raises(Fatal, match="is not sealed") as caught:
        VAULT.open(text, *AT)
    assert not text or text not in str(caught.value)


def test_too_short_for_a_nonce() -> None:
    with pytest.raises(Fatal, match="altered"):
        VAULT.open(f"{sealed_under(VAULT.active)}AAAA", *AT)


def test_older_keys_open_and_the_first_one_seals() -> None:
    before, both = given_keys(OLD), given_keys(NEW, OLD)
    sealed = before.seal("t", *AT)
    assert both.open(sealed, *AT) == "t"
    assert both.active == key_of(both.seal("t", *AT)) == given_keys(NEW).active
    assert both.active != before.active


def test_a_key_id_cannot_be_exchanged() -> None:
    """Two keys of the same bytes but another name would be needed; the name is sealed in."""
    sealed = VAULT.seal("t", *AT)
    other = VAULT.keys[1].id
    with pytest.raises(Fatal, match="altered"):
        VAULT.open(sealed.replace(VAULT.active, other), *AT)


def test_a_key_that_is_gone_is_named() -> None:
    sealed = given_keys(OLD).seal("t", *AT)
    with pytest.raises(Fatal) as caught:
        given_keys(NEW).open(sealed, *AT)
    said = str(caught.value)
    assert str(key_of(sealed)) in said
    assert "SLEEPBALANCE_MASTER_KEY" in said
    assert "Bring that key back, or connect again" in said


def test_nothing_secret_shows() -> None:
    vault, token = given_keys(NEW, OLD), word()  # made here: a traceback prints our literals
    raw = [base64.urlsafe_b64decode(w + "=") for w in (NEW, OLD)]
    sealed = vault.seal(token, *AT)
    shown = [repr(vault), repr(vault.keys), repr(vault.place), str(vault.place), vault.place.where]
    for act in (
        lambda: vault.open(sealed, "x", "y", "z"),
        lambda: vault.open(token, *AT),
        lambda: given_keys(word()).open(sealed, *AT),
        lambda: given_keys(NEW, OLD + "x"),
    ):
        with pytest.raises(Fatal) as caught:
            act()
        shown += ["".join(traceback.format_exception(caught.value)), repr(caught.value)]
    for text in shown:
        for secret in (token, NEW, OLD, *map(repr, raw), *(r.hex() for r in raw)):
            assert secret not in text
    assert vault.active in repr(vault)
    assert [repr(key) for key in vault.keys] == [f"Key({key.id})" for key in vault.keys]


# -- keys as text ------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_keys_in_every_spelling(secret: bytes) -> None:
    assume(len(set(secret)) >= 12)
    plain = base64.b64encode(secret).decode()
    safe = base64.urlsafe_b64encode(secret).decode()
    for text in (plain, safe, plain.rstrip("="), safe.rstrip("="), secret.hex(), f"\ufeff{plain}"):
        (key,) = read(text, "here")
        assert key.secret == secret
    assert read(f"{plain} {safe}\n{secret.hex()}", "here") == (Key(secret),)  # each once


def test_keys_are_written_as_they_are_read() -> None:
    keys = (make_key(), Key(secrets.token_bytes(32), NOW), make_key())
    assert read(write(keys), "here") == keys
    assert "# retired 2026-11-22T20:00:00Z\n" in write(keys)


@pytest.mark.parametrize(
    "bad",
    [
        "short",
        "A" * 43,  # no random key
        "00" * 32,
        base64.b64encode(bytes(range(31))).decode(),
        base64.b64encode(bytes(range(33))).decode(),
        "g" * 64,
        "ä" * 43,
        "correct horse battery staple",
    ],
)
def test_a_malformed_key_is_refused_and_not_shown(bad: str) -> None:
    with pytest.raises(Fatal, match=r"Line 2 of here .*openssl rand -base64 32") as caught:
        read(f"{OLD}\n{bad}", "here")
    assert not any(w in str(caught.value) for w in bad.split())


@pytest.mark.parametrize("text", ["", "\n \n", "# only a remark\n"])
def test_no_key_at_all(text: str) -> None:
    with pytest.raises(Fatal, match="There is no key in here"):
        read(text, "here")


@pytest.mark.parametrize("remark", ["mine, of May", "retired soon", "retired 2026-13-41T99:99:99Z"])
def test_other_remarks_retire_nothing(remark: str) -> None:
    assert [key.retired for key in read(f"{OLD} # {remark}", "here")] == [None]


# -- where keys come from ----------------------------------------------------------------------


def test_a_mounted_secret_goes_first(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{NEW}\n{OLD}\n")
    secret.chmod(0o444)
    vault = find(
        tmp_path, {"SLEEPBALANCE_MASTER_KEY_FILE": f"{secret}", "SLEEPBALANCE_MASTER_KEY": word()}
    )
    assert [key.id for key in vault.keys] == [key.id for key in VAULT.keys]
    assert not (tmp_path / "master.key").exists()


def test_a_mounted_secret_that_is_not_right(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    environ = {"SLEEPBALANCE_MASTER_KEY_FILE": f"{secret}"}
    assert f"no master keys in {secret}" in refusal(tmp_path, environ)
    secret.write_text("")
    assert f"no key in {secret}" in refusal(tmp_path, environ)
    secret.write_bytes(b"\xff" * 32)
    assert "is no text" in refusal(tmp_path, environ)
    assert "Is a directory" in refusal(tmp_path, {"SLEEPBALANCE_MASTER_KEY_FILE": f"{tmp_path}"})
    assert not (tmp_path / "master.key").exists()


def test_a_mounted_secret_that_changes(tmp_path: Path) -> None:
    """As orchestrators do it: the name becomes a link to another file."""
    for number, keys in enumerate([OLD, f"{NEW}\n{OLD}"]):
        (tmp_path / f"v{number}").write_text(keys)
    mounted = tmp_path / "secret"
    mounted.symlink_to(tmp_path / "v0")
    vault = find(tmp_path, {"SLEEPBALANCE_MASTER_KEY_FILE": f"{mounted}"})
    before = vault.seal("t", *AT)
    (tmp_path / "next").symlink_to(tmp_path / "v1")
    (tmp_path / "next").replace(mounted)
    assert key_of(vault.seal("t", *AT)) == VAULT.active
    assert vault.open(before, *AT) == "t"


@pytest.mark.parametrize("between", [",", " ", ", ", "\n"])
def test_keys_in_the_environment(tmp_path: Path, between: str) -> None:
    vault = find(tmp_path, {"SLEEPBALANCE_MASTER_KEY": between.join([NEW, OLD])})
    assert [key.id for key in vault.keys] == [key.id for key in VAULT.keys]
    assert not any(tmp_path.iterdir())


def test_a_malformed_key_in_the_environment(tmp_path: Path) -> None:
    said = refusal(tmp_path, {"SLEEPBALANCE_MASTER_KEY": "changeme-please"})
    assert "SLEEPBALANCE_MASTER_KEY" in said
    assert "changeme" not in said


@pytest.mark.parametrize("empty", ["", "  "])
def test_else_a_file_made_on_first_use(tmp_path: Path, empty: str) -> None:
    environ = {"SLEEPBALANCE_MASTER_KEY": empty, "SLEEPBALANCE_MASTER_KEY_FILE": empty}
    sealed = find(tmp_path, environ).seal("t", *AT)
    file = tmp_path / "master.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert find(tmp_path, {}).open(sealed, *AT) == "t"
    assert {path.name for path in tmp_path.iterdir()} == {"master.key", "master.key.lock"}


def test_looking_makes_no_key(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="no master keys"):
        place_of(tmp_path, {}).keys()
    assert not any(tmp_path.iterdir())


def test_many_at_once_end_with_one_key(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from sleepbalance.vault import find; "
        "sys.stdin.readline(); print(find(Path(sys.argv[1]), {}).active)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    said = [process.communicate("go\n", timeout=60)[0] for process in processes]
    with ThreadPoolExecutor(8) as pool:
        said += pool.map(lambda _: find(tmp_path, {}).active + "\n", range(8))
    assert len(set(said)) == 1
    assert len(said[0]) == 9
    assert len(read((tmp_path / "master.key").read_text(), "it")) == 1


def test_many_threads_make_one_key(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        with ThreadPoolExecutor(8) as pool:
            made = set(pool.map(lambda _, there=folder: find(there, {}).active, range(8)))
        assert len(made) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    find(tmp_path, {})
    (tmp_path / "master.key").chmod(mode)
    assert "Others may read" in (said := refusal(tmp_path, {}))
    assert "chmod 600" in said
    (tmp_path / "master.key").chmod(0o400)
    assert find(tmp_path, {}).active


@pytest.mark.parametrize("content", ["", "changeme\n", "# nothing\n"])
def test_a_damaged_file_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    file = tmp_path / "master.key"
    file.write_text(content)
    file.chmod(0o600)
    said = refusal(tmp_path, {})
    assert str(file) in said
    assert "changeme" not in said
    assert file.read_text() == content


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "master.key").mkdir()
    assert "is no file" in refusal(tmp_path, {})
    (tmp_path / "master.key").rmdir()
    os.mkfifo(tmp_path / "master.key")
    assert "is no file" in refusal(tmp_path, {})


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    data, safe = tmp_path / "data", tmp_path / "safe"
    data.mkdir()
    link = data / "master.key"
    link.symlink_to(safe)
    assert "leads nowhere" in refusal(data, {})
    safe.write_text(f"{OLD}\n")
    safe.chmod(0o644)
    assert "Others may read" in refusal(data, {})
    safe.chmod(0o600)
    vault = find(data, {})
    own(data).put_first(vault.active, NOW)
    assert link.is_symlink()
    assert len(read(safe.read_text(), "it")) == 2
    assert [path.name for path in data.iterdir() if "new" in path.name] == []


def test_where_nothing_can_be_kept(tmp_path: Path) -> None:
    said = refusal(tmp_path / "not" / "there", {})
    assert "without a master key no token is kept" in said
    assert "SLEEPBALANCE_MASTER_KEY_FILE" in said


@as_root
def test_the_file_belongs_to_whom_the_folder_belongs(tmp_path: Path) -> None:
    os.chown(tmp_path, 1234, 1235)
    vault = find(tmp_path, {})
    file = tmp_path / "master.key"
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 1235)
    os.chown(file, 4321, 4322)
    own(tmp_path).put_first(vault.active, NOW)
    assert (file.stat().st_uid, file.stat().st_gid) == (4321, 4322)


def test_a_write_that_was_killed_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "master.key.new").write_text("half a k")
    assert find(tmp_path, {}).active
    assert not (tmp_path / "master.key.new").exists()


# -- while it runs -----------------------------------------------------------------------------


def test_a_new_key_is_noticed(tmp_path: Path) -> None:
    long_running, other = find(tmp_path, {}), find(tmp_path, {})
    before = long_running.active
    own(tmp_path).put_first(before, NOW)
    sealed = other.seal("t", *AT)
    assert key_of(sealed) != before
    assert long_running.open(sealed, *AT) == "t"
    assert long_running.active == other.active


def test_it_seals_under_the_new_key_at_once(tmp_path: Path) -> None:
    vault = find(tmp_path, {})
    own(tmp_path).put_first(before := vault.active, NOW)
    assert key_of(vault.seal("t", *AT)) != before


def test_keys_that_vanish_are_not_sealed_under(tmp_path: Path) -> None:
    vault = find(tmp_path, {})
    sealed = vault.seal("t", *AT)
    (tmp_path / "master.key").unlink()
    with pytest.raises(Fatal, match="no master keys in"):
        vault.seal("t", *AT)
    assert not (tmp_path / "master.key").exists()
    assert vault.open(sealed, *AT) == "t"  # what it still can


def test_two_put_one_key_first(tmp_path: Path) -> None:
    before = find(tmp_path, {}).active
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: own(tmp_path).put_first(before, NOW), range(4)))
    assert len(find(tmp_path, {}).keys) == 2


def test_old_keys_are_dropped_a_day_after(tmp_path: Path) -> None:
    place = own(tmp_path)
    first = find(tmp_path, {}).active
    place.put_first(first, NOW)
    second = find(tmp_path, {}).active
    place.put_first(second, NOW + KEEP)
    later = NOW + KEEP + dt.timedelta(seconds=1)
    assert place.drop((), later) == ()
    assert place.drop((first, second), NOW + KEEP) == ()
    assert place.drop((first, second), later) == (first,)
    third = find(tmp_path, {}).active
    assert [key.id for key in find(tmp_path, {}).keys] == [third, second]
    assert place.drop((third, second), NOW + 9 * KEEP) == (second,)  # never the one that seals


# -- the keyring -------------------------------------------------------------------------------


def in_ring(folder: Path, backend: Backend) -> OwnPlace:
    return OwnPlace(where="the keyring", words=Ring("me", backend), lock=folder / "lock")


def test_the_keyring_keeps_the_keys(tmp_path: Path) -> None:
    ring = FileKeyring(tmp_path / "ring.json")
    vault = Vault(in_ring(tmp_path, ring))
    sealed = vault.seal("t", *AT)
    in_ring(tmp_path, ring).put_first(before := vault.active, NOW)
    assert vault.active != before
    assert Vault(in_ring(tmp_path, ring)).open(sealed, *AT) == "t"
    assert in_ring(tmp_path, ring).drop((before,), NOW + 2 * KEEP) == (before,)


def test_a_keyring_that_keeps_nothing(tmp_path: Path) -> None:
    forgetful, none = Forgetful(), NoKeyring()  # type: ignore[no-untyped-call] # keyring's own
    with pytest.raises(Fatal, match="did not keep the master key"):
        Vault(in_ring(tmp_path, forgetful))
    with pytest.raises(Fatal, match=r"keyring cannot be used .*only you can read"):
        Vault(in_ring(tmp_path, none))


def ask_keyring(folder: Path, backend: str) -> subprocess.CompletedProcess[str]:
    program = (
        "import os; from pathlib import Path; from sleepbalance.vault import find; "
        f"print(find(Path({str(folder)!r}), os.environ).active)"
    )
    environ = os.environ | {
        "SLEEPBALANCE_MASTER_KEY": "keyring",
        "PYTHON_KEYRING_BACKEND": backend,
        "TEST_KEYRING": str(folder / "ring.json"),
    }
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_keyring_by_its_name(tmp_path: Path) -> None:
    first, second = (ask_keyring(tmp_path, "tests.keyrings.FileKeyring") for _ in range(2))
    assert first.stdout == second.stdout
    assert len(first.stdout) == 9, first.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"ring.json", "master.key.lock"}


def test_no_keyring_there(tmp_path: Path) -> None:
    done = ask_keyring(tmp_path, "keyring.backends.fail.Keyring")
    assert "Fatal: The keyring cannot be used" in done.stderr
    assert not (tmp_path / "master.key").exists()
