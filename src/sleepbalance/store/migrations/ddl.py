"""Edits the text of a CREATE TABLE as SQLite keeps it, leaving all else in it as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]"""
    r"""|[^\W\d][\w$]*|\s+|.""",
    re.DOTALL,
)
_STEP = {"(": 1, ")": -1}
_TABLE_CONSTRAINT = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one column: constraints taken off it, and words put at its end."""

    column: str
    nullable: bool = False  # takes NOT NULL off
    unchecked: bool = False  # takes off each CHECK that speaks of this column alone
    append: str = ""


def changed(sql: str, changes: Sequence[Change]) -> str:
    """The CREATE TABLE with its columns changed."""
    tokens = _TOKEN.findall(sql)
    opened, closed = _body(tokens)
    definitions = list(_split(tokens[opened + 1 : closed]))
    columns = {_name(d) for d in definitions if not _is_constraint(d)}
    for change in changes:
        definitions = [
            _change(d, change, columns)
            for d in definitions
            if not (change.unchecked and _is_check_of(d, change.column, columns))
        ]
    body = ",".join("".join(d) for d in definitions)
    return "".join(tokens[: opened + 1]) + body + "".join(tokens[closed:])


def renamed(sql: str, name: str) -> str:
    """The CREATE TABLE under another name."""
    tokens = _TOKEN.findall(sql)
    opened, _ = _body(tokens)
    return f"CREATE TABLE {quoted(name)} " + "".join(tokens[opened:])


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _body(tokens: Sequence[str]) -> tuple[int, int]:
    opened = tokens.index("(")
    return opened, opened + _closing(tokens[opened:])


def _closing(tokens: Sequence[str]) -> int:
    """Where the parenthesis that opens `tokens` is closed."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += _STEP.get(token, 0)
        if depth == 0:
            return index
    raise ValueError("a parenthesis is not closed")


def _split(tokens: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    depth = 0
    for token in tokens:
        depth += _STEP.get(token, 0)
        if (token, depth) == (",", 0):
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _is_word(token: str) -> bool:
    return not (token.isspace() or token.startswith(("--", "/*")))


def _words(tokens: Sequence[str]) -> list[int]:
    return [index for index, token in enumerate(tokens) if _is_word(token)]


def _plain(token: str) -> str:
    """An identifier without its quotes, as SQLite compares it."""
    return token.strip("\"`[]'").lower()


def _name(definition: Sequence[str]) -> str:
    return _plain(definition[_words(definition)[0]])


def _is_constraint(definition: Sequence[str]) -> bool:
    return definition[_words(definition)[0]].upper() in _TABLE_CONSTRAINT


def _is_check_of(definition: Sequence[str], column: str, columns: set[str]) -> bool:
    if not _is_constraint(definition):
        return False
    kinds = [definition[i].upper() for i in _words(definition)]
    kind = kinds[2] if kinds[0] == "CONSTRAINT" else kinds[0]
    return kind == "CHECK" and _speaks_of_alone(definition, column, columns)


def _speaks_of_alone(tokens: Sequence[str], column: str, columns: set[str]) -> bool:
    return {_plain(token) for token in tokens if not token.startswith("'")} & columns == {column}


def _change(definition: list[str], change: Change, columns: set[str]) -> list[str]:
    if _is_constraint(definition) or _name(definition) != change.column:
        return definition
    if change.nullable:
        definition = _without_not_null(definition)
    if change.unchecked:
        definition = _without_checks(definition, change.column, columns)
    last = _words(definition)[-1] + 1
    return [*definition[:last], change.append, *definition[last:]]


def _without_not_null(tokens: list[str]) -> list[str]:
    depth = 0
    words = _words(tokens)
    for at, index in enumerate(words):
        depth += _STEP.get(tokens[index], 0)
        following = [tokens[i].upper() for i in words[at : at + 5]]
        if depth == 0 and following[:2] == ["NOT", "NULL"]:
            length = 5 if following[2:4] == ["ON", "CONFLICT"] else 2
            return _cut(tokens, words, at, at + length)
    return tokens


def _without_checks(tokens: list[str], column: str, columns: set[str]) -> list[str]:
    at = 1
    while at < len(words := _words(tokens)):
        index = words[at]
        if tokens[index] == "(":
            at = words.index(index + _closing(tokens[index:]))
        elif tokens[index].upper() == "CHECK":
            opened = words[at + 1]
            closed = words.index(opened + _closing(tokens[opened:]))
            # What the check says, and the column that it stands at.
            if _speaks_of_alone([column, *tokens[opened : words[closed]]], column, columns):
                tokens = _cut(tokens, words, at, closed + 1)
                at = 0
            else:
                at = closed
        at += 1
    return tokens


def _cut(tokens: list[str], words: list[int], start: int, stop: int) -> list[str]:
    """Without the words from `start` to `stop`, and without the constraint's name before them."""
    if start >= 2 and tokens[words[start - 2]].upper() == "CONSTRAINT":
        start -= 2
    return tokens[: words[start]] + tokens[words[stop - 1] + 1 :]
