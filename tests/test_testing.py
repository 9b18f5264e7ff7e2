"""The contract suite notices each way to break the contract."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from sleepbalance.errors import Malformed
from sleepbalance.model import Piece, Segment, Session, Source, Stage
from sleepbalance.provider import File, Finished, Member, Normalised, Provider, Raw
from sleepbalance.testing import Bytes, Contract, Sample, contract, handed_over, samples_of

SOURCE = Source("pear", "Pear")
LINES = b"pear\n1777669800\n1777669800\n1777756200\nnever\n"
SAMPLES = [Sample("pear.txt", (Bytes("pear.txt", LINES),))]
NIGHT = dt.timedelta(hours=8)


def recognises(member: Member) -> bool:
    return member.head.startswith(b"pear\n")


def merge(kind: str, payloads: Sequence[bytes]) -> bytes:
    if kind == "sleep":
        return payloads[-1]
    return b"\n".join(sorted({line for payload in payloads for line in payload.split(b"\n")}))


def read(members: Sequence[Member], now: dt.datetime) -> Iterator[Raw | Finished]:
    for member in members:
        with member.open() as stream:
            lines = stream.read(2**20).split(b"\n")[1:]
        for line in lines:
            raw = Raw(key=line.hex() or "-", kind="sleep", source=SOURCE, payload=line)
            if len(line) == 10 and line.isdigit() and int(line) > 10**9:
                start = dt.datetime.fromtimestamp(int(line), dt.UTC)
                yield replace(raw, start=start, end=start + NIGHT)
            else:
                yield replace(raw, problem="no line of ours")
        pulse = Raw(
            key="pulse", kind="pulse", source=SOURCE, payload=merge("pulse", lines or [b""])
        )
        yield replace(pulse, companion=True, start=now, end=now)
    yield Finished()


def session(raw: Raw) -> Session:
    assert raw.start
    assert raw.end
    hypnogram = (Segment(0, 600, Stage.LIGHT), Segment(600, 28200, Stage.REM))
    return Session(
        external_id=raw.key,
        source=SOURCE,
        start=raw.start,
        end=raw.end,
        parts=(Piece(0, 28800),),
        hypnogram=hypnogram,
    )


def normalise(raws: Iterable[Raw]) -> Normalised:
    once = {raw.key: raw for raw in raws if not raw.companion}
    return Normalised(sessions=tuple(session(once[key]) for key in sorted(once)))


PEAR = Provider(
    id="pear",
    name="Pear",
    docs="https://example.org/pear",
    verified=None,
    doors=(File(recognises, read, "Shake the tree."),),
    normalise=normalise,
    merge=merge,
)


def names_of(suite: type[Contract]) -> list[str]:
    return [name for name in dir(suite) if name.startswith("test_")]


def run(provider: Provider, name: str, samples: Sequence[Sample] = SAMPLES) -> None:
    getattr(contract(provider, samples)(), name)()


@pytest.mark.parametrize("name", names_of(Contract))
def test_a_good_provider_passes(name: str) -> None:
    run(PEAR, name)


# Each way to be wrong, and the test that notices


def with_door(provider: Provider, **wrong: object) -> Provider:
    return replace(provider, doors=(replace(provider.doors[0], **wrong),))  # type: ignore[arg-type]


def with_sessions(change: Callable[[Session], Session]) -> Provider:
    def wrong(raws: Iterable[Raw]) -> Normalised:
        return Normalised(sessions=tuple(map(change, normalise(raws).sessions)))

    return replace(PEAR, normalise=wrong)


def by_order(raws: Iterable[Raw]) -> Normalised:
    told = [session(raw) for raw in raws if not raw.companion]
    return Normalised(sessions=tuple(told))


def without_end(members: Sequence[Member], now: dt.datetime) -> Iterator[Raw | Finished]:
    return (item for item in read(members, now) if isinstance(item, Raw))


def unplaced(members: Sequence[Member], now: dt.datetime) -> Iterator[Raw | Finished]:
    yield Raw(key="x", kind="sleep", source=SOURCE, payload=b"")
    yield from read(members, now)


def strict(members: Sequence[Member], now: dt.datetime) -> Iterator[Raw | Finished]:
    for member in members:
        with member.open() as stream:
            stream.read(2**20).decode("ascii")
    yield from read(members, now)


class Drifting:
    """Reads something else each time."""

    def __init__(self) -> None:
        self.times = count()

    def __call__(self, members: Sequence[Member], now: dt.datetime) -> Iterator[Raw | Finished]:
        yield Raw(key=str(next(self.times)), kind="x", source=SOURCE, payload=b"", problem="odd")
        yield from read(members, now)


def naive(told: Session) -> Session:
    return replace(told, start=told.start.replace(tzinfo=None), end=told.end.replace(tzinfo=None))


def last_piece(kind: str, payloads: Sequence[bytes]) -> bytes:
    del kind
    return payloads[-1]


WRONG = {
    "id": (replace(PEAR, id="Pear!"), "test_facts"),
    "no door": (replace(PEAR, doors=()), "test_facts"),
    "no sentence": (with_door(PEAR, how_to=""), "test_facts"),
    "no page": (replace(PEAR, docs="docs/pear.md"), "test_docs_page_exists"),
    "takes all": (with_door(PEAR, recognises=lambda _: True), "test_what_is_nobodys_is_refused"),
    "takes theirs": (
        with_door(PEAR, recognises=lambda member: b"<HealthData" in member.head),
        "test_what_is_another_providers_is_refused",
    ),
    "takes none": (
        with_door(PEAR, recognises=lambda _: False),
        "test_samples_exist_and_are_recognised",
    ),
    "drifts": (with_door(PEAR, read=Drifting()), "test_reading_is_repeatable_and_ends_once"),
    "no end": (with_door(PEAR, read=without_end), "test_reading_is_repeatable_and_ends_once"),
    "nowhere": (
        with_door(PEAR, read=unplaced),
        "test_raw_records_are_placed_in_time_or_say_why_not",
    ),
    "foreign error": (
        with_door(PEAR, read=strict),
        "test_only_our_errors_come_out_of_damaged_files",
    ),
    "order": (replace(PEAR, normalise=by_order), "test_order_and_repeats_change_nothing"),
    "loses": (replace(PEAR, normalise=lambda _: Normalised()), "test_sessions_are_sound"),
    "naive": (with_sessions(naive), "test_sessions_are_sound"),
    "one id": (
        with_sessions(lambda told: replace(told, external_id="same")),
        "test_sessions_are_sound",
    ),
    "overlap": (
        with_sessions(lambda told: replace(told, hypnogram=told.hypnogram[:1] * 2)),
        "test_sessions_are_sound",
    ),
    "outside": (
        with_sessions(lambda told: replace(told, in_bed=(Piece(0, 28801),))),
        "test_sessions_are_sound",
    ),
    "own words": (
        with_sessions(lambda told: replace(told, hypnogram=(Segment(0, 60, "N3"),))),  # type: ignore[arg-type]
        "test_sessions_are_sound",
    ),
    "keeps the last": (
        replace(PEAR, merge=last_piece),
        "test_pieces_of_a_companion_merge_in_any_order",
    ),
    "grows": (
        replace(PEAR, merge=lambda _, payloads: b"".join(payloads)),
        "test_a_record_merged_with_itself_is_itself",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_provider_is_noticed(fault: str) -> None:
    provider, name = WRONG[fault]
    with pytest.raises((AssertionError, FileNotFoundError, UnicodeDecodeError)):
        run(provider, name)


def test_a_provider_without_samples_proves_nothing() -> None:
    for name in ("test_samples_exist_and_are_recognised", "test_sessions_are_sound"):
        with pytest.raises(AssertionError):
            run(PEAR, name, samples=[])
    run(PEAR, "test_only_our_errors_come_out_of_damaged_files", samples=[])
    run(PEAR, "test_order_and_repeats_change_nothing", samples=[])


def test_files_that_cannot_be_read_at_all_may_say_so() -> None:
    def refuses(members: Sequence[Member], now: dt.datetime) -> Iterator[Raw | Finished]:
        for member in members:
            with member.open() as stream:
                if len(stream.read(2**20)) < len(LINES):
                    raise Malformed("It is cut off.")
        yield from read(members, now)

    provider = with_door(PEAR, read=refuses)
    for name in names_of(Contract):
        run(provider, name)


def test_a_demo_must_say_so(tmp_path: Path) -> None:
    demo = tmp_path / "demo.txt"
    provider = with_door(PEAR, demo=demo)
    demo.write_bytes(LINES)
    with pytest.raises(AssertionError):
        run(provider, "test_the_demo_says_that_it_is_one")
    demo.write_bytes(LINES + b"sleepbalance:demo\n")
    run(provider, "test_the_demo_says_that_it_is_one")


def test_samples_are_the_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "make.py").write_text("")
    (tmp_path / "one.txt").write_bytes(LINES)
    assert handed_over(tmp_path) == (Sample("one.txt", (Bytes("one.txt", LINES),)),)
    assert {sample.name for sample in samples_of("apple_health")} >= {"demo_export.zip"}
