"""Whatever a server does, what comes out is a reply or an error of ours, and no secret in it."""

from __future__ import annotations

import datetime as dt
import logging
import os
import ssl
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sleepbalance import __version__
from sleepbalance.errors import Fatal, Unavailable
from sleepbalance.provider import Reply
from sleepbalance.wire import Wire, host_of, reason, retry_after, seconds_of_silence
from tests.network.maker import Maker, Said, packed, raw, running, unused_port

SECRET = "S3CRET-tok"
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def maker() -> Iterator[Maker]:
    with running() as made:
        yield made


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire(timeout=5) as made:
        yield made


def test_a_request_goes_out_as_it_should_and_comes_back(maker: Maker, wire: Wire) -> None:
    said = Said(418, {"a": 1}, {"X-More": "yes", "Set-Cookie": "tracked=1"})
    maker.script["/a"] = [said, Said()]
    reply = wire.send("POST", f"{maker.url}/a?x=1", params={"y": 2, "z": "é &"}, form={"f": "+ é"})
    wire.send("GET", f"{maker.url}/a", headers={"Authorization": "Bearer t"})
    assert (reply.status, reply.json(), reply.headers["x-more"]) == (418, {"a": 1}, "yes")
    first, second = maker.asked
    assert first.query == {"x": "1", "y": "2", "z": "é &"}
    assert first.form == {"f": "+ é"}
    assert first.headers["user-agent"] == f"sleepbalance/{__version__}"
    assert "cookie" not in second.headers
    assert second.headers["authorization"] == "Bearer t"


def test_json_goes_out_and_packed_answers_come_in(maker: Maker, wire: Wire) -> None:
    maker.script["/a"] = [Said(body=packed(b"[1]"), headers={"Content-Encoding": "gzip"})]
    assert wire.send("POST", f"{maker.url}/a", json={"b": [1]}).json() == [1]
    assert maker.asked[0].body == b'{"b":[1]}'


def test_redirects_are_not_followed(maker: Maker, wire: Wire) -> None:
    maker.script["/a"] = [Said(302, headers={"Location": f"{maker.url}/b"})]
    assert wire.send("GET", f"{maker.url}/a").status == 302
    assert len(maker.asked) == 1


BROKEN = {
    "nothing": (b"",),
    "cut in the header": (OK + b"Content-Le",),
    "cut in the body": (OK + b"Content-Length: 10\r\n\r\nabc",),
    "cut in a chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n8\r\nabc",),
    "no status line": (b"\x00\xff rubbish\r\n\r\n",),
    "a status that is none": (b"HTTP/1.1 xyz OK\r\n\r\n",),
    "a header without a name": (OK + b": x\r\n\r\n",),
    "two lengths": (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",),
    "an endless header": (OK + b"X: " + b"y" * 300_000,),
    "bad gzip": (OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",),
    "a packing not asked for": (OK + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\na",),
    "packed six times": (OK + b"Content-Encoding: " + b"gzip, " * 6 + b"gzip\r\n\r\n",),
    "larger than allowed": (
        OK + b"Content-Encoding: gzip\r\n\r\n",
        packed(bytes(65 * 2**20)),
    ),
}


@pytest.mark.parametrize("pieces", BROKEN.values(), ids=BROKEN)
def test_no_broken_answer_comes_out_as_anything_but_unavailable(
    pieces: tuple[bytes, ...], wire: Wire
) -> None:
    with raw(*pieces) as url:
        error = refused(wire, f"{url}/path-of-it?code={SECRET}")
    assert error.sent


def test_who_does_not_answer_in_time_is_unavailable() -> None:
    for pieces in ((), (OK,), (OK + b"Content-Length: 5\r\n\r\nab",)):
        with raw(*pieces, hold=30) as url, Wire(timeout=0.3) as wire:
            error = refused(wire, url)
        assert error.sent
        assert "did not answer within 0.3 s (a timeout)" in str(error)


@pytest.mark.parametrize("how", ["nothing", *(how for how in BROKEN if how.startswith("cut"))])
def test_who_hangs_up_in_the_middle_broke_the_connection_off(how: str, wire: Wire) -> None:
    with raw(*BROKEN[how]) as url:
        assert "broke the connection off" in str(refused(wire, url))


def test_who_is_not_there_was_sent_nothing(wire: Wire) -> None:
    for host in (f"127.0.0.1:{unused_port()}", "nowhere.invalid", "a..b.invalid"):
        scheme = "http" if host[0] == "1" else "https"
        assert not refused(wire, f"{scheme}://{host}/?code={SECRET}").sent


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "/only/a/path",
        "https://",
        "https://[::1",
        "https://host:port/",
        f"https://{SECRET}:pw@host.invalid/",
        f"https://host.invalid/\x00{SECRET}",
        "https://" + "x" * 70_000,
        "https://\udcff/",
    ],
)
def test_what_is_no_address_is_not_asked_and_not_shown(url: str, wire: Wire) -> None:
    assert not refused(wire, url).sent


def test_a_password_in_an_address_is_not_sent(maker: Maker, wire: Wire) -> None:
    refused(wire, maker.url.replace("//", f"//me:{SECRET}@"))
    assert maker.asked == []


@pytest.mark.parametrize("token", [f"{SECRET}\r\nX: y", f"{SECRET}é", f"{SECRET}\x00"])
def test_a_token_that_is_no_header_is_not_shown(token: str, maker: Maker, wire: Wire) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    assert not refused(wire, maker.url, headers).sent


def refused(wire: Wire, url: str, headers: dict[str, str] | None = None) -> Unavailable:
    headers = headers or {"Authorization": f"Bearer {SECRET}"}
    with pytest.raises(Unavailable) as caught:
        wire.send("GET", url, headers=headers)
    error = caught.value
    assert error.__context__ is None  # nothing foreign hangs on it that could be printed
    shown = "".join(traceback.format_exception(error)) + repr(error)
    assert SECRET not in shown
    assert "path-of-it" not in str(error)
    return error


def test_plain_http_is_for_this_computer_only(wire: Wire) -> None:
    with pytest.raises(Fatal, match="use https"):
        wire.send("GET", "http://maker.invalid/")


def test_nothing_leaves_a_sandbox(maker: Maker) -> None:
    with Wire(sandbox=f"{maker.url}/", provider="mine") as wire:
        for url in ("https://api.maker.invalid/v4/x", "https://127.0.0.1:1/v4/x"):
            wire.send("GET", f"{url}?q=a%2Fb", params={"n": 1})
        wire.send("GET", f"{maker.url}/-/clock")
        wire.send("GET", "https://api.maker.invalid/../../%2e%2e/x")
        for url in ("http://api.maker.invalid/", f"{maker.url}0/", "ftp://api.maker.invalid/"):
            with pytest.raises(Fatal, match="sandbox"):
                wire.send("GET", url)
        assert wire.rewritten("https://login.maker.invalid/authorize?a=b").startswith(
            f"{maker.url}/mine/authorize?"
        )
    assert [asked.path for asked in maker.asked] == [
        *["/mine/v4/x"] * 2,
        "/-/clock",
        "/mine/%2e%2e/x",
    ]
    assert maker.asked[0].query == {"q": "a/b", "n": "1"}


def test_a_sandbox_that_does_not_run_is_named() -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    with Wire(sandbox=url, provider="mine") as wire, pytest.raises(Unavailable) as caught:
        wire.send("GET", "https://maker.invalid/")
    assert str(caught.value) == f"The sandbox at {url} cannot be reached: is it running?"


def test_a_sandbox_is_reached_past_every_proxy(maker: Maker) -> None:
    assert through_proxy(maker, f"Wire(sandbox={maker.url!r}, provider='p')", "https://x.invalid/")
    assert not through_proxy(maker, "Wire()", maker.url)


def through_proxy(maker: Maker, wire: str, url: str) -> bool:
    before = len(maker.asked)
    proxy = f"http://127.0.0.1:{unused_port()}"
    program = (
        "from sleepbalance.wire import Wire\nfrom sleepbalance.errors import Unavailable\n"
        f"with {wire} as wire:\n"
        f"    try: wire.send('GET', {url!r})\n    except Unavailable: pass"
    )
    run(program, {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "NO_PROXY": ""})
    return len(maker.asked) > before


def test_a_proxy_that_cannot_be_used_is_said() -> None:
    told = run("from sleepbalance.wire import Wire; Wire()", {"HTTPS_PROXY": "gopher://x"}, 1)
    assert "sleepbalance.errors.Fatal: The proxy that HTTPS_PROXY" in told


def run(program: str, environ: dict[str, str], code: int = 0) -> str:
    kept = {k: v for k, v in os.environ.items() if "PROXY" not in k.upper()}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=kept | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stderr


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    with Wire() as wire, pytest.raises(Unavailable, match="not trusted here") as caught:
        wire.send("GET", f"https://127.0.0.1:{server.server_address[1]}/")
    thread.join()
    server.server_close()
    assert not caught.value.sent


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "own.pem"
    path.write_bytes(secret + made.public_bytes(pem))
    return path


def test_the_log_names_the_request_and_shows_no_secret(
    maker: Maker, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx2", "httpcore2", "httpcore2.http11", "httpcore2.connection"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    maker.script["/a"] = [Said(302, {"token": SECRET}, {"Location": f"/x?code={SECRET}"})]
    wire.send(
        "POST",
        f"{maker.url}/a?code={SECRET}",
        headers={"Authorization": f"Bearer {SECRET}"},
        form={"refresh_token": SECRET},
    )
    refused(wire, f"http://127.0.0.1:{unused_port()}/?code={SECRET}")
    assert "POST 127.0.0.1/a: 302" in caplog.text
    assert "failed: 127.0.0.1 cannot be reached" in caplog.text
    assert SECRET not in caplog.text


# -- reading ---------------------------------------------------------------------------------------

DATE = {"date": "Sun, 22 Nov 2026 20:00:00 GMT"}
UNIX = 1_795_377_600  # the same instant


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "1e9"}, 86_400),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sun, 22 Nov 2026 20:00:30 GMT", **DATE}, 30),
        ({"x-ratelimit-reset": "12"}, 12),
        ({"ratelimit-reset": str(UNIX + 40), **DATE}, 40),
        ({"anything-rate-limit-reset": f"{UNIX + 40}000", **DATE}, 40),
        ({"retry-after": "5", "x-ratelimit-reset": "12"}, 5),
        ({"password-reset": "12"}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(Reply(429, headers)) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, 9),
        ({"anything-rate-limit-remaining": "0", "anything-rate-limit-reset": "9"}, 9),
        ({"ratelimit-remaining": "0", "ratelimit-reset": str(UNIX + 9), **DATE}, 9),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "9"}, None),
        ({"x-ratelimit-remaining": "0"}, None),
        ({"x-ratelimit-remaining": "none", "x-ratelimit-reset": "9"}, None),
    ],
)
def test_when_nothing_is_left(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds_of_silence(Reply(200, headers)) == seconds


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", ""),
        (b'{"error": "invalid_grant", "error_description": "Bad"}', "invalid_grant: Bad"),
        (b'{"error": {"code": 403, "message": "Not\\n allowed"}}', "Not allowed"),
        (b'{"errors": [{"errorType": "x", "message": "Too old"}]}', "Too old"),
        (b'{"title": "Slow down"}', "Slow down"),
        (b'["why"]', "why"),
        (b"[]", ""),
        (b"7", ""),
        (b'{"message": "Token a+b/c= and a%2Bb%2Fc%3D"}', "Token … and …"),
        (b'{"message": "' + b"long " * 99 + b'"}', ("long " * 40)[:199] + "…"),
    ],
)
def test_what_the_maker_says(body: bytes, said: str) -> None:
    assert reason(Reply(400, {}, body), ["a+b/c=", ""]) == said


def test_hosts() -> None:
    assert host_of("https://API.maker.invalid:444/x") == "api.maker.invalid"
