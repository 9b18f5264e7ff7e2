"""Sends requests; what fails on the way becomes an error of ours."""

from __future__ import annotations

import ipaddress
import logging
import ssl
import time
from collections.abc import Iterator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Self

import httpx2

from sleepbalance import __version__
from sleepbalance.errors import Fatal, Unavailable
from sleepbalance.provider import Reply

LARGEST = 64 * 2**20  # bytes of one body, unpacked
LONGEST = 300.0  # seconds in which one body has to arrive
ENCODINGS = {"", "identity", "gzip", "x-gzip", "deflate"}
HEADERS = {
    "User-Agent": f"sleepbalance/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
}
UNREACHED = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)
UNASKABLE = "cannot be asked: a name or a token is not as it should be."
UNTRUSTED = (
    "shows a certificate that is not trusted here. Check this computer's clock; behind a proxy, "
    "name its certificates in SSL_CERT_FILE."
)

Values = Mapping[str, str | int]

log = logging.getLogger("sleepbalance.wire")


def _is_loud(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


# These print whole addresses and headers, where codes and tokens may stand, at lower levels.
for _talker in ("connection", "http11", "http2", "proxy", "socks"):
    logging.getLogger(f"httpcore2.{_talker}").addFilter(_is_loud)
logging.getLogger("httpx2").addFilter(_is_loud)


class Wire:
    """Sends requests, follows no redirect, keeps no cookie, and raises only errors of ours.

    With `sandbox` (an address), https://any.host/path becomes {sandbox}/{provider}/path, and
    nothing else can be reached.
    """

    def __init__(
        self,
        *,
        sandbox: str | None = None,
        provider: str = "",
        timeout: float = 30.0,
        name: str = "",
    ) -> None:
        self.provider = provider
        self.name = name or provider  # as a person calls the maker
        self._timeout = timeout
        self._sandbox = _parsed(sandbox.rstrip("/")) if sandbox else None
        self._http = _open(timeout, proxies=self._sandbox is None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def rewritten(self, url: str) -> str:
        """Where a request for `url` really goes; also for addresses that the browser opens."""
        return str(self._address(url))

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Values | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request, one reply, whatever its status. Raises Unavailable for trouble."""
        address = self._address(url)
        if params:
            address = address.copy_merge_params({k: str(v) for k, v in params.items()})
        began = time.monotonic()
        reply = self._exchange(method, address, headers=headers, json=json, data=form)
        if isinstance(reply, Unavailable):  # raised out here, so that nothing foreign hangs on it
            log.debug("%s %s%s failed: %s", method, address.host, address.path, reply)
            raise reply
        took = time.monotonic() - began
        log.debug("%s %s%s: %d (%.2f s)", method, address.host, address.path, reply.status, took)
        return reply

    def _address(self, url: str) -> httpx2.URL:
        asked = _parsed(url)
        if self._sandbox is None:
            if asked.scheme != "https" and not is_loopback(asked.host):
                raise Fatal(
                    f"{asked.host} is to be reached by http, which anybody can read: use https."
                )
            return asked
        if _origin(asked) == _origin(self._sandbox):
            return asked
        if asked.scheme != "https":
            raise Fatal(f"{asked.host} cannot be reached from a sandbox.")
        path = f"{self._sandbox.path.rstrip('/')}/{self.provider}{asked.raw_path.decode()}"
        return self._sandbox.copy_with(raw_path=path.encode())

    def _exchange(self, method: str, address: httpx2.URL, **content: Any) -> Reply | Unavailable:
        try:
            with self._http.stream(method, address, **content) as response:
                return self._read(response, address)
        except httpx2.HTTPError as error:
            return self._translate(error, address)
        except UnicodeError:  # a header, or a name that no network knows, that is not ASCII
            return Unavailable(f"{self._place(address)} {UNASKABLE}", sent=False)

    def _read(self, response: httpx2.Response, address: httpx2.URL) -> Reply | Unavailable:
        place, deadline = self._place(address), time.monotonic() + LONGEST
        codings = response.headers.get("content-encoding", "").lower().split(",")
        if {coding.strip() for coding in codings} - ENCODINGS:
            return Unavailable(f"{place} packed its answer in a way that was not asked for.")
        pieces, size = [], 0
        for piece in response.iter_bytes():
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST:
                return Unavailable(f"{place} sent more than {LARGEST >> 20} MiB at once.")
            if time.monotonic() > deadline:
                return Unavailable(f"{place} did not come to an end within {LONGEST:.0f} s.")
        headers = dict(response.headers.items())
        return Reply(response.status_code, headers, b"".join(pieces), self._below(address))

    def _below(self, address: httpx2.URL) -> str:
        """The path at the maker's own host."""
        if self._sandbox is None:
            return address.path
        return address.path.removeprefix(f"{self._sandbox.path.rstrip('/')}/{self.provider}")

    def _translate(self, error: httpx2.HTTPError, address: httpx2.URL) -> Unavailable:
        place = self._place(address)
        if isinstance(error, httpx2.LocalProtocolError):
            return Unavailable(f"{place} {UNASKABLE}", sent=False)
        if isinstance(error, UNREACHED):
            return Unavailable(f"{place} {self._why_unreached(error)}", sent=False)
        if isinstance(error, httpx2.TimeoutException):
            said = f"did not answer within {self._timeout:g} s (a timeout); try again later."
        elif isinstance(error, httpx2.NetworkError) or _hung_up(error):
            said = "broke the connection off before it had answered; try again later."
        else:
            said = "sent an answer that cannot be read; try again later."
        return Unavailable(f"{place} {said}")

    def _why_unreached(self, error: httpx2.HTTPError) -> str:
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
            return UNTRUSTED
        if self._sandbox is not None:
            return "cannot be reached: is it running?"
        return "cannot be reached: check the network, then try again."

    def _place(self, address: httpx2.URL) -> str:
        if self._sandbox is None:
            return address.host
        return f"The sandbox at {self._sandbox}"


def _hung_up(error: httpx2.HTTPError) -> bool:
    """Whether the other end closed in the middle, which httpx2 tells only in words."""
    broken = isinstance(error, httpx2.RemoteProtocolError)
    return broken and any(words in str(error) for words in ("disconnected", "closed connection"))


def host_of(url: str) -> str:
    """The host of an absolute address. Raises Unavailable where it is none."""
    return _parsed(url).host


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this computer."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _open(timeout: float, *, proxies: bool) -> httpx2.Client:
    try:
        return httpx2.Client(
            headers=HEADERS,
            timeout=httpx2.Timeout(
                connect=min(timeout, 10.0), read=timeout, write=timeout, pool=timeout
            ),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            follow_redirects=False,
            trust_env=proxies,
        )
    except (ValueError, ImportError, httpx2.InvalidURL):  # httpx2 reads HTTPS_PROXY and its like
        problem = "The proxy that HTTPS_PROXY or ALL_PROXY names cannot be used: correct it."
    raise Fatal(problem)


def _parsed(url: str) -> httpx2.URL:
    """Raises Unavailable for what is no address, and never says what it looked like."""
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, UnicodeError):
        parsed = httpx2.URL("")
    if not parsed.is_absolute_url or not parsed.host or parsed.userinfo:
        raise Unavailable("The address to be asked cannot be read.", sent=False)
    return parsed


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
