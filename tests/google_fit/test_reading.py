"""What is asked of Google Fit, whose stages are whose, and what odd answers become."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from sleepbalance.errors import Gone, Malformed, ScopeMissing
from sleepbalance.model import MANUAL_MARK, UNNAMED, Source
from sleepbalance.provider import Grant, Raw, Reply
from sleepbalance.providers.google_fit import API
from sleepbalance.testing.recording import Exchange, Recorded
from tests.google_fit.made import (
    ACTIVITIES,
    APP,
    HEARTS,
    OXYGENS,
    SLEEP,
    STAGES,
    Fit,
    Json,
    ask,
    at,
    fetch,
    millis,
    raw_of,
    sample,
    segment,
    session,
    sleeps,
)

OTHER = "org.example.phone"
DAY = 1440


def read(*sessions: Json, days: float = 14) -> list[Raw]:
    return fetch("sleep", Fit(sessions, {STAGES: []}), ask(days))


# -- requests ------------------------------------------------------------------------------------


def test_many_nights_are_two_requests() -> None:
    nights = [session(-DAY * n, 480 - DAY * n) for n in range(12)]
    stages = [segment(-DAY * n, 480 - DAY * n, 4) for n in range(12)]
    client = Fit(nights, {STAGES: stages})
    found = fetch("sleep", client, ask())
    assert len(found) == 12
    assert all(len(json.loads(raw.payload)["point"]) == 1 for raw in found)
    assert [path.split("/")[0] for path in client.paths] == ["sessions", "dataSources"]


def test_no_sessions_are_one_request() -> None:
    client = Fit([], {})
    assert fetch("sleep", client, ask()) == []
    assert client.paths == ["sessions"]


def test_sessions_are_asked_for_by_time() -> None:
    client = Fit([], {})
    fetch("sleep", client, ask(14))
    (asked,) = client.asked
    assert "'activityType': 72" in asked
    assert "'startTime': '2026-11-06T09:00:00Z'" in asked  # two days before the window
    assert "'endTime': '2026-11-22T09:00:00Z'" in asked


def test_a_week_of_heart_rates_is_one_request_and_long_gaps_are_not_asked_for() -> None:
    nights = [raw_of(begin=-DAY * n, end=480 - DAY * n, key=str(n)) for n in (41, 40, 5, 2, 1, 0)]
    client = Fit([], {HEARTS: []})
    assert fetch("heart rate", client, ask(60, *nights)) == []
    assert len(client.paths) == 2


def test_pages_are_read_to_their_end() -> None:
    stages = [segment(10 * n, 10 * n + 10, 4 + n % 3) for n in range(48)]
    client = Fit([session()], {STAGES: stages}, size=7)
    assert len(sleeps(client)[APP]) == 48
    assert len(client.paths) == 1 + 7


def test_pages_that_lead_back_are_refused() -> None:
    class Circle(Fit):
        def _page(self, name: str, points: list[Json], until: int) -> tuple[int, Json]:
            del until
            return 200, {"dataSourceId": name, "point": points, "nextPageToken": "1"}

    with pytest.raises(Malformed, match="lead back"):
        sleeps(Circle([session()], {STAGES: [segment(0, 480, 4)]}))


# -- whose stages --------------------------------------------------------------------------------


def test_two_apps_on_one_night_keep_their_own() -> None:
    stages = [segment(0, 480, 4), segment(5, 200, 1, OTHER), segment(200, 470, 5, OTHER)]
    client = Fit([session(), session(5, 470, OTHER)], {STAGES: stages, ACTIVITIES: []})
    assert sleeps(client) == {APP: [(0, 480, 4)], OTHER: [(5, 200, 1), (200, 470, 5)]}


def test_an_app_without_stages_does_not_take_those_of_another_that_told_the_same_sleep() -> None:
    client = Fit(
        [session(), session(-10, 490, OTHER)], {STAGES: [segment(0, 480, 4)], ACTIVITIES: []}
    )
    assert sleeps(client) == {APP: [(0, 480, 4)], OTHER: []}


def test_an_app_that_writes_its_stages_under_another_name() -> None:
    """A program in the web is known by its name in sessions, by its number in streams."""
    told = session(application={"name": "My pages"})
    client = Fit([told], {STAGES: [segment(0, 480, 4, "778899")], ACTIVITIES: []})
    assert sleeps(client) == {"my pages": [(0, 480, 4)]}


def test_of_two_strangers_nobody_is_believed() -> None:
    stages = [segment(0, 480, 4, "one"), segment(0, 480, 5, "two")]
    assert sleeps(Fit([session()], {STAGES: stages, ACTIVITIES: []})) == {APP: []}


def test_a_session_outside_the_window_still_has_its_own_stages() -> None:
    """The other app's session ended before the window, and is not told again."""
    late = session(-7 * DAY, 480 - 7 * DAY)
    early = session(-7 * DAY - 30, 60 - 7 * DAY, OTHER)
    stages = [segment(-7 * DAY, 60 - 7 * DAY, 5, OTHER)]
    client = Fit([late, early], {STAGES: stages, ACTIVITIES: []})
    window = (at(300 - 7 * DAY), at(600 - 7 * DAY))
    days = (ask().now - window[0]) / dt.timedelta(days=1)
    assert sleeps(client, days) == {APP: []}


def test_a_derived_stream_is_of_the_app_that_wrote_first() -> None:
    origin = f"derived:{SLEEP}:com.google.android.gms:sleep_from_activity<-raw:x.y:{APP}:stream"
    stages = [
        segment(0, 480, 4, originDataSourceId=origin),
        segment(0, 480, 5, OTHER),
    ]
    assert sleeps(Fit([session()], {STAGES: stages})) == {APP: [(0, 480, 4)]}


def test_where_nothing_is_merged_the_streams_are_looked_for() -> None:
    bare = segment(0, 480, 4)
    del bare["originDataSourceId"]
    streams = {STAGES: [], f"raw:{SLEEP}:{APP}:": [bare], "raw:com.google.step_count.delta:x:": []}
    client = Fit([session(), session(-10, 490, OTHER)], {**streams, ACTIVITIES: []})
    assert sleeps(client) == {APP: [(0, 480, 4)], OTHER: []}
    assert "dataSources" in client.paths
    assert not any("step_count" in path for path in client.paths)


def test_old_stages_lie_among_the_activities() -> None:
    walk = segment(30, 60, 7, "com.google.android.gms")
    old = [segment(0, 30, 109), walk, segment(60, 480, 72), segment(100, 110, 3, OTHER)]
    client = Fit([session()], {STAGES: [], ACTIVITIES: old})
    assert sleeps(client) == {APP: [(0, 30, 109), (60, 480, 72)]}


def test_activities_are_asked_for_only_around_nights_without_stages() -> None:
    nights = [session(-DAY * n, 480 - DAY * n) for n in range(3)]
    stages = [segment(-DAY * n, 480 - DAY * n, 4) for n in (0, 2)]
    client = Fit(nights, {STAGES: stages, ACTIVITIES: []})
    fetch("sleep", client, ask())
    (asked,) = [path for path in client.paths if "activity" in path]
    low, high = (int(edge) // 10**9 for edge in asked.rpartition("/")[2].split("-"))
    assert (low, high) == (int(at(-DAY).timestamp()), int(at(480 - DAY).timestamp()) + 1)


def test_without_the_scope_for_activities_old_nights_stay_bare() -> None:
    said = {
        "error": {"code": 403, "message": "Cannot read data of type com.google.activity.segment"}
    }
    client = Fit([session()], {STAGES: []}, refused={ACTIVITIES: (403, said)})
    assert sleeps(client) == {APP: []}


def test_a_refusal_of_the_stages_is_one() -> None:
    said = {"error": {"code": 403, "message": "Cannot read data of type com.google.sleep.segment"}}
    with pytest.raises(ScopeMissing, match="Connect again"):
        sleeps(Fit([session()], {}, refused={STAGES: (403, said)}))


def test_an_answer_that_says_nothing_is_no_empty_stream() -> None:
    with pytest.raises(Malformed, match="says nothing"):
        sleeps(Fit([session()], {}, refused={STAGES: (200, {})}))


def test_what_a_person_typed_in_is_a_source_of_its_own() -> None:
    by_hand = f"raw:{SLEEP}:{APP}:user_input"
    (raw,) = fetch(
        "sleep",
        Fit([session()], {STAGES: [segment(0, 480, 2, originDataSourceId=by_hand)]}),
        ask(),
    )
    assert raw.source == Source(APP + MANUAL_MARK, APP)


# -- odd sessions --------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [None, 0, "0"])
def test_a_sleep_that_goes_on_is_not_told(end: Any) -> None:
    assert read(session(endTimeMillis=end)) == []


def test_other_activities_are_no_sleep() -> None:
    assert read(session(activityType=8)) == []
    assert len(read(session(activityType=None))) == 1  # it was asked for by its number


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"startTimeMillis": "x"}, "does not say when it began and ended"),
        ({"endTimeMillis": True}, "does not say when it began and ended"),
        ({"endTimeMillis": "9" * 19}, "does not say when it began and ended"),
        ({"startTimeMillis": 10**40}, "does not say when it began and ended"),
        ({"endTimeMillis": millis(0)}, "lasts no time"),
        ({"endTimeMillis": millis(-5)}, "ends before it begins"),
        ({"startTimeMillis": millis(-3000)}, "longer than 48 hours"),
        ({"startTimeMillis": "1000", "endTimeMillis": "28000000"}, "before the year 2000"),
        ({"startTimeMillis": millis(8000), "endTimeMillis": millis(8400)}, "in the future"),
        ({"id": None}, "has no id"),
        ({"id": 7}, "has no id"),
    ],
)
def test_what_cannot_be_is_kept_with_its_reason(told: Json, problem: str) -> None:
    fine, odd = session(-DAY, 480 - DAY), session(**told)
    raws = {raw.problem is None: raw for raw in read(fine, odd)}
    assert problem in str(raws[False].problem)
    assert json.loads(raws[False].payload)["session"] == odd
    assert (raws[False].start, raws[False].end) == (None, None)
    assert raws[True].start == at(-DAY)


def test_only_sleeps_that_end_in_the_window_are_told() -> None:
    nights = [session(-DAY * n, 480 - DAY * n) for n in range(9)]
    days = (ask().now - at(480 - DAY * 3)) / dt.timedelta(days=1)  # the fourth ends as it begins
    found = read(*nights, days=days)
    assert {raw.end for raw in found} == {at(480 - DAY * n) for n in range(4)}


def test_of_two_versions_of_a_session_the_later_is_told() -> None:
    old, new = session(name="old"), session(name="new", modifiedTimeMillis=millis(500))
    for order in ((old, new), (new, old)):
        (raw,) = read(*order)
        assert json.loads(raw.payload)["session"]["name"] == "new"
        assert raw.revised_at == at(500)


@pytest.mark.parametrize("app", [None, {}, [], {"packageName": 7}])
def test_an_app_without_a_name(app: Any) -> None:
    (raw,) = read(session(application=app))
    assert raw.source.key == UNNAMED


def test_times_are_cut_to_the_second() -> None:
    (raw,) = read(session(endTimeMillis=int(millis(480)) + 641))
    assert raw.end == at(480)


# -- what was measured ---------------------------------------------------------------------------


def test_measures_are_packed_by_app_and_day_inside_the_sleeps() -> None:
    points = [sample(m, 50 + m % 7) for m in range(-60, 600, 30)]
    points += [sample(m, 90, OTHER) for m in range(0, 480, 60)]
    client = Fit([], {HEARTS: points, OXYGENS: [sample(60, 96)]})
    one, two = fetch("heart rate", client, ask(14, raw_of()))
    assert (one.key, two.key) == (
        f"heart-rate/{APP}/2026-11-20",
        f"heart-rate/{APP}/2026-11-21",
    )
    told = json.loads(one.payload) + json.loads(two.payload)
    assert told == [p for p in points if p["originDataSourceId"].split(":")[2] == APP][2:-3]
    assert (one.start, one.end, one.companion) == (at(0), at(90), True)
    (oxygen,) = fetch("oxygen", client, ask(14, raw_of()))
    assert oxygen.key == f"oxygen/{APP}/2026-11-20"


def test_a_hand_entry_measures_nothing() -> None:
    client = Fit([], {HEARTS: [sample(10, 50)]})
    by_hand = raw_of(source=Source(APP + MANUAL_MARK, APP))
    assert fetch("heart rate", client, ask(14, by_hand)) == []


def test_a_stream_that_nobody_wrote_is_empty() -> None:
    assert fetch("oxygen", Fit([], {}), ask(14, raw_of())) == []


# -- who -----------------------------------------------------------------------------------------


def who(body: Any) -> Recorded:
    reply = Reply(200, {}, json.dumps(body).encode())
    return Recorded(
        API, (Exchange(method="GET", path="oauth2/v3/userinfo", carries={}, reply=reply),)
    )


def test_the_account_is_that_of_google() -> None:
    account = API.identify(who({"sub": "104200420042"}), Grant(access="a"))
    assert (account.id, account.formerly, account.zone) == ("104200420042", (), None)


@pytest.mark.parametrize(
    "body", [{}, [], {"sub": 5}, {"sub": ""}, {"sub": "a b"}, {"sub": "9" * 300}]
)
def test_an_account_that_nobody_names(body: Any) -> None:
    with pytest.raises(Malformed, match="whose data"):
        API.identify(who(body), Grant(access="a"))


def test_sessions_that_are_not_there_are_the_end() -> None:
    client = Recorded(API, (), damaged=True)
    with pytest.raises(Gone, match="google-health"):
        fetch("sleep", client, ask())
