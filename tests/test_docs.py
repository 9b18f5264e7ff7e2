"""Documentation is held to the program: what it names is there, what it shows is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from sleepbalance.cli.commands import cli
from tests.homes import run

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_promises_name_tests_that_exist() -> None:
    text = (ROOT / "docs/promise.md").read_text(encoding="utf-8")
    known = {
        name
        for path in ROOT.glob("tests/**/*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    named = set(re.findall(r"(?:^|[`:])(test_\w+)`", text))
    assert len(named) > 5
    assert named <= known, named - known
    for path in re.findall(r"`(tests/[\w/]+(?:\.py)?)", text):
        assert (ROOT / path).exists(), path


def test_the_readme_shows_what_is_printed(tmp_path: Path) -> None:
    shown = run("demo", data=tmp_path / ".demo").stdout.splitlines()
    (block,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    assert [line for line in block.splitlines() if line not in shown] == []


def test_the_readme_names_every_command() -> None:
    named = set(re.findall(r"`([a-z]+(?: [a-z]+)?)[^`]*`", README))
    for name, command in get_command(cli).commands.items():  # type: ignore[attr-defined]
        words = [f"{name} {sub}" for sub in getattr(command, "commands", {})] or [name]
        missing = [word for word in words if word not in named and word != "demo"]
        assert not missing, missing


def test_the_makefile_has_what_the_readme_says() -> None:
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make (run|test|install|bench)", README)):
        assert re.search(rf"^{target}:", targets, re.MULTILINE), target


def test_nothing_names_a_package_host_or_a_machine() -> None:
    hosts = re.compile(
        "|".join(["python" + "hosted", "registry" + r"\.npmjs", "deb" + r"\.debian"])
    )
    for path in (*ROOT.glob("*.lock"), *ROOT.glob("*.toml"), *PAGES, ROOT / "Makefile"):
        assert not hosts.search(path.read_text(encoding="utf-8")), path.name
