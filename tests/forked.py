"""Runs the command in a process of its own, forked off one whose imports lie behind it.

A new interpreter needs longer to import the program than most commands need for their work, and the
tests run hundreds. The forked process has its own arguments, environment, folder and streams, ends
as the command ends, and leaves nothing to the next. Whoever tests signals or imports starts one
from scratch.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import sleepbalance
from sleepbalance.cli import main

HERE = Path(__file__).parent
PATIENCE = 120.0  # seconds
LONGEST = 1 << 20  # bytes of a request


def run(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The command with these words, and what it wrote; its input is empty."""
    ours, theirs = socket.socketpair()
    asked = {"words": list(words), "environment": dict(environment), "folder": str(Path.cwd())}
    with ours, theirs, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        files = [theirs.fileno(), out.fileno(), err.fileno()]
        socket.send_fds(_stem(), [json.dumps(asked).encode()], files)
        theirs.close()
        code = _ended(ours)
        return subprocess.CompletedProcess(list(words), code, _text(out), _text(err))


def _ended(told: socket.socket) -> int:
    """The code with which the command ended; raises TimeoutError, and kills it, where it hangs."""
    told.settimeout(PATIENCE)
    process = int(told.recv(64))
    told.sendall(b".")
    try:
        return int(told.recv(64))
    except TimeoutError:
        os.kill(process, signal.SIGKILL)
        raise


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@functools.cache
def _stem() -> socket.socket:
    """To the process that has imported the program: one for each process that runs tests."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.forked", str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=HERE.parent, pass_fds=[theirs.fileno()])
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


def serve(stem: socket.socket) -> None:
    """Forks for each request one that watches, and that one the command."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch
    while True:
        request, files, _, _ = socket.recv_fds(stem, LONGEST, 3)
        if not request:
            return
        if os.fork() == 0:
            stem.close()
            watch(json.loads(request), files)
            return
        for file in files:
            os.close(file)


def watch(asked: Mapping[str, Any], files: Sequence[int]) -> None:
    """Tells the number of the command's process, and when it ends its code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told, out, err = files
    if (command := os.fork()) == 0:
        os.close(told)
        become(asked, out, err)
        return
    with socket.socket(fileno=told) as teller:
        teller.sendall(str(command).encode())
        teller.recv(1)
        _, status = os.waitpid(command, 0)
        teller.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def become(asked: Mapping[str, Any], out: int, err: int) -> None:
    """Makes this process the one that was asked for, and runs the command in it."""
    with Path(os.devnull).open("rb") as nothing:
        for number, file in enumerate((nothing.fileno(), out, err)):
            os.dup2(file, number)
    os.close(out)
    os.close(err)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = ["sleepbalance", *asked["words"]]
    main()


def load() -> None:
    """Imports all there is of the program."""
    for module in pkgutil.walk_packages(sleepbalance.__path__, "sleepbalance."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


if __name__ == "__main__":
    load()
    gc.freeze()  # what is not touched is not copied
    serve(socket.socket(fileno=int(sys.argv[1]), type=socket.SOCK_SEQPACKET))
