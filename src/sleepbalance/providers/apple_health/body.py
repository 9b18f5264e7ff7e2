"""Turns the bytes of an export into UTF-8 that begins at its root element."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from sleepbalance.errors import Malformed
from sleepbalance.provider import Stream

BLOCK = 128 * 1024
MOST_HEADER = 4 * 2**20

_ROOT = re.compile(rb"<HealthData(?=[\s>/])")
_DECLARED = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\0?\0": "utf-16-le",
    b"<\0H\0": "utf-16-le",
    b"<\0!\0": "utf-16-le",
    b"\0<\0?": "utf-16-be",
    b"\0<\0H": "utf-16-be",
    b"\0<\0!": "utf-16-be",
}
_TEXT_CODECS = re.compile(
    r"utf-?8|us-ascii|ascii|latin-?1|iso-?8859-\d+|windows-125\d|cp125\d|koi8-[ru]|mac-roman"
    r"|gb18030|gbk|gb2312|big5|shift_jis|euc-(?:jp|kr)",
    re.IGNORECASE,
)


def encoding_of(head: bytes) -> str:
    """By the first bytes, else by the declaration, else UTF-8."""
    for mark, name in _BOMS.items():
        if head.startswith(mark):
            return name
    declared = _DECLARED.match(head[:1024].lstrip())
    name = declared[1].decode() if declared else "utf-8"
    try:
        known = codecs.lookup(name).name if _TEXT_CODECS.fullmatch(name) else "utf-8"
    except LookupError:
        return "utf-8"
    return "utf-8" if known == "ascii" else known


def body(stream: Stream, block: int = BLOCK) -> Iterator[bytes]:
    """Blocks of UTF-8 from `<HealthData` on: no declaration and no DTD, which may be broken or
    hold traps, come before it. Raises `Malformed` where there is no root."""
    chunks = _utf8(stream, block)
    head = b""
    for chunk in chunks:
        head += chunk
        at = _root(head)
        if at is not None:
            yield head[at:]
            yield from chunks
            return
        if len(head) > MOST_HEADER:
            break
    raise Malformed("There is no <HealthData> in the file; make the export on the phone anew")


def _utf8(stream: Stream, block: int) -> Iterator[bytes]:
    first = stream.read(block)
    encoding = encoding_of(first)
    if encoding == "utf-8-sig":
        first = first.removeprefix(codecs.BOM_UTF8)
    if encoding in ("utf-8", "utf-8-sig"):
        while first:
            yield first
            first = stream.read(block)
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    while first:
        yield decoder.decode(first).encode()
        first = stream.read(block)
    yield decoder.decode(b"", True).encode()


def _root(head: bytes) -> int | None:
    """Where the root begins; None where it did not come yet."""
    at = 0
    while True:
        at += len(head[at:]) - len(head[at:].lstrip())
        end = _skipped(head, at)
        if end is None:
            return None
        if end == at:
            root = _ROOT.search(head, at)
            return root.start() if root else None
        at = end


def _skipped(head: bytes, at: int) -> int | None:
    """Behind what begins at `at` if it may stand before a root, else `at`; None: it has no end."""
    ends = {b"<?": b"?>", b"<!--": b"-->"}
    for mark, closer in ends.items():
        if head.startswith(mark, at):
            end = head.find(closer, at)
            return None if end < 0 else end + len(closer)
    if not head.startswith(b"<!DOCTYPE", at):
        return at
    bracket, end = head.find(b"[", at), head.find(b">", at)
    if 0 <= bracket < end:
        end = head.find(b"]>", bracket) + 1
    return None if end <= 0 else end + 1
