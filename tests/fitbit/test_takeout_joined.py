"""Sleeps that Takeout tells twice, by a log and by a row, and what the maker's own sums add."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from sleepbalance.model import Method, Session, Stage
from sleepbalance.providers.fitbit import PROVIDER
from tests.fitbit.sample import BERLIN, BLOCK, NIGHT
from tests.fitbit.test_takeout import EVENING, night, of, one, one_of, read, seconds, sessions
from tests.takeouts import DATA, Takeout, entry

# -- joined with rows ----------------------------------------------------------------------------


def test_a_log_and_a_row_of_one_sleep_are_one() -> None:
    session = one_of(Takeout().logs("2026-09-01", [night()]).row(EVENING, NIGHT, "81"))
    assert (session.wall, session.zone_start, session.zone_end) == (True, "+02:00", "+02:00")
    assert session.external_id == "log/501"
    assert session.maker["sleep_id"] == "81"
    assert seconds(session, Stage.AWAKE) == 1200 + 150  # the log's, finer than the row's


@pytest.mark.parametrize(("away", "sleeps"), [(120, 1), (121, 2), (-120, 1)])
def test_two_minutes_apart_is_one_sleep(away: int, sleeps: int) -> None:
    moved = EVENING + dt.timedelta(seconds=away)
    takeout = Takeout().logs("2026-09-01", [night()]).row(moved, NIGHT, "81")
    assert len(of(takeout)) == sleeps


def test_a_row_alone_is_a_sleep_with_a_place() -> None:
    session = one_of(Takeout().row(EVENING, NIGHT, "81"))
    assert session.wall
    assert session.start == EVENING.replace(tzinfo=dt.UTC)  # beside a log of the same sleep
    assert (session.zone_start, session.zone_end) == ("+02:00", "+02:00")
    assert seconds(session, Stage.REM) == 5400
    assert session.revised_at == session.end + dt.timedelta(minutes=5, hours=-2)


def test_a_short_awakening_in_a_table_lies_over_its_stage() -> None:
    takeout = Takeout().row(EVENING, NIGHT, "81")
    name = f"{takeout.root}/{DATA}/UserSleepStages_2026-09-01.csv"
    begin, end = "2026-09-10T21:00:00Z", "2026-09-10T21:01:30Z"
    line = f"81,99,AWAKE,+02:00,{begin},+02:00,{end},DERIVED,{end},{end}\n"
    takeout.files[name] += line.encode()
    assert seconds(one_of(takeout), Stage.AWAKE) == 1200 + 90


def test_when_the_clock_is_set_in_a_sleep_it_keeps_its_length() -> None:
    start = dt.datetime(2026, 10, 24, 22, 0, tzinfo=BERLIN)
    stages = ((18_000, "light"), (3600, "rem"), (9000, "light"))  # 8 h 30, by the wall 7 h 30
    log = entry(start, stages, 505, ((20_000, 60),), endTime="2026-10-25T05:30:00.000")
    session = one_of(Takeout().logs("2026-10-01", [log]).row(start, stages, "82"))
    assert (session.zone_start, session.zone_end) == ("+02:00", "+01:00")
    assert sum(s.seconds for s in session.hypnogram) == 30_600
    assert seconds(session, Stage.REM) == 3600 - 60


def test_what_comes_again_replaces_only_itself() -> None:
    takeout = Takeout().logs("2026-09-01", [night()]).row(EVENING, NIGHT, "81")
    before, _ = read(takeout)
    (again,), _ = read(Takeout().logs("2026-09-01", [night(efficiency=3)]))
    (session,) = sessions([*(raw for raw in before if raw.key != again.key), again])
    assert session.maker["efficiency"] == 3
    assert session.zone_start == "+02:00"
    later = EVENING + dt.timedelta(hours=1)
    (moved,), _ = read(Takeout().logs("2026-09-01", [entry(later, NIGHT, 501)]))
    assert len(sessions([*(raw for raw in before if raw.key != moved.key), moved])) == 2


def test_of_a_row_the_one_written_last_counts() -> None:
    name = f"Takeout/Fitbit/{DATA}/UserSleeps_2026-09-01.csv"
    takeout = Takeout().row(EVENING, NIGHT, "81")
    old = takeout.files[name].decode()
    new = old.replace(",STAGES,405,", ",STAGES,404,").replace("03:36:30Z", "09:00:00Z")
    assert new != old
    payloads = []
    for data in (old, new):
        raws, _ = read(Takeout({name: data.encode()}))
        payloads += [raw.payload for raw in raws]
    assert PROVIDER.merge("archive-row", payloads) == payloads[1]
    assert PROVIDER.merge("archive-row", payloads[::-1]) == payloads[1]


def test_stages_that_were_told_anew_lie_over_the_old_ones() -> None:
    takeout = Takeout().row(EVENING, NIGHT, "81")
    name = f"{takeout.root}/{DATA}/UserSleepStages_2026-09-01.csv"
    begin, end = "2026-09-10T20:41:30Z", "2026-09-11T03:31:30Z"
    line = f"81,99,LIGHT,+02:00,{begin},+02:00,{end},DERIVED,{end},2026-09-20T03:31:30Z\n"
    takeout.files[name] += line.encode()
    assert seconds(one_of(takeout), Stage.LIGHT) == 24_600


def test_a_row_and_a_log_disagree_about_the_clock_at_the_end() -> None:
    """The log reckoned its end; as long as the row's it lasted all the same."""
    start = dt.datetime(2026, 10, 24, 23, 0, tzinfo=BERLIN)
    stages = ((25_200, "light"), (3600, "rem"))
    session = one_of(
        Takeout().logs("2026-10-01", [entry(start, stages, 5)]).row(start, stages, "8")
    )
    assert session.external_id == "log/5"
    assert session.zone_end == "+01:00"


def test_typed_in_or_measured_is_the_same_in_both_tellings() -> None:
    stages = Takeout().row(EVENING, NIGHT, "81").logs("2026-09-01", [night(logType="manual")])
    block = Takeout().row(EVENING, BLOCK, "81")
    block.logs("2026-09-01", [entry(EVENING, BLOCK, 503, logType="manual")])
    for takeout, method in ((stages, Method.DEVICE), (block, Method.MANUAL)):
        for name, data in takeout.files.items():
            takeout.files[name] = data.replace(b"DERIVED", b"MANUAL")
        assert one_of(takeout).method == method


def test_a_place_is_where_its_row_says() -> None:
    tokyo = EVENING.astimezone(ZoneInfo("Asia/Tokyo"))
    assert one_of(Takeout().row(tokyo, NIGHT, "83")).zone_end == "+09:00"


# -- what the maker's sums know ------------------------------------------------------------------


def total(session: Session) -> int:
    totals = session.totals
    assert totals is not None
    return sum(filter(None, (totals.light, totals.deep, totals.rem, totals.asleep)))


def test_a_timeline_that_is_cut_short_is_not_the_night() -> None:
    told = night()
    told["levels"]["data"] = told["levels"]["data"][:2]
    session = one(told)
    assert session.hypnogram == ()
    assert session.totals is not None
    assert (session.totals.deep, session.totals.rem) == (3600, 5400)
    assert session.parts[0].seconds == 24_600


def test_the_row_has_the_timeline_that_the_log_has_not() -> None:
    told = night()
    told["levels"]["data"] = told["levels"]["data"][:2]
    session = one_of(Takeout().logs("2026-09-01", [told]).row(EVENING, NIGHT, "81"))
    assert seconds(session, Stage.REM) == 5400
    assert session.hypnogram[-1].end == 24_600


def test_a_night_of_unknown_words_has_its_total() -> None:
    told = entry(EVENING, ((18_000, "hypnagogic"),), 505, minutesAsleep=300)
    session = one(told)
    assert session.hypnogram == ()
    assert total(session) == 300 * 60
    assert session.totals is not None
    assert session.totals.light is None


def test_what_the_maker_knows_besides_the_timeline_is_of_no_stage() -> None:
    stages = ((3600, "light"), (3600, "hypnagogic"), (3600, "rem"))
    session = one(entry(EVENING, stages, 506, minutesAsleep=150))
    assert seconds(session, Stage.UNKNOWN) == 3600
    assert session.totals is not None
    assert session.totals.asleep == 30 * 60
    assert total(session) == 150 * 60


def test_sums_that_agree_with_the_timeline_to_the_minute_are_not_needed() -> None:
    assert one(night()).totals is None
