"""Doors over the network: what is asked for, what comes of it, and of broken and odd replies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sleepbalance.errors import Fatal, Gone, NeedsReconnect, SleepBalanceError
from sleepbalance.provider import Answer, Grant, OAuth, Raw, Reply

from .checks import broken_often, is_sound
from .recording import Exchange, Recorded, Recording, recording_of
from .replies import BODIES, ODD, SECRET, odd
from .samples import Suite, together

LONGEST = dt.timedelta(days=8)  # no record and no pack spans more: the store looks no further
GRANT = Grant(access="access-" + SECRET, refresh="refresh-" + SECRET)
STATUSES = (200, 204, 301, 400, 401, 403, 404, 408, 409, 410, 418, 422, 429, 500, 502, 503, 504)

Draw = Callable[[st.SearchStrategy[Any]], Any]


class Network(Suite):
    """The part of the suite for what is fetched."""

    def test_every_door_over_the_network_is_recorded(self) -> None:
        recordings = self._recordings()
        for door in self.provider.remote:
            mine = [recording for recording in recordings if recording.door == door]
            assert mine, f"no recording api_….json goes through the door {door.name}"
            found = [recording.found(recording.client()) for recording in mine]
            for resource in door.api.resources:
                assert any(each[resource.name] for each in found), f"nobody told {resource.name}"

    def test_fetching_is_repeatable(self) -> None:
        for recording in self._recordings():
            one, two = recording.client(), recording.client()
            assert recording.found(one) == recording.found(two)
            assert one.asked, f"{recording.door.name} asks nothing"
            assert one.asked == two.asked

    def test_sleeps_end_in_the_window(self) -> None:
        for recording in self._recordings():
            raws = [
                raw
                for first in recording.door.api.resources[:1]
                for raw in first.fetch(recording.client(), recording.ask)
            ]
            for raw in raws:
                if raw.end is not None and not raw.companion:
                    assert recording.ask.start <= raw.end < recording.ask.end, raw.key

    def test_what_is_beside_the_sleeps_comes_only_with_them(self) -> None:
        for recording in self._recordings():
            found = recording.found(recording.client())
            for resource in recording.door.api.resources[1:]:
                for raw in found[resource.name]:
                    assert raw.companion, f"{resource.name} brings sleeps"
                    assert raw.problem or _lasts(raw) <= LONGEST, f"{raw.key} spans too much"
                client = recording.client()
                assert list(resource.fetch(client, recording.ask)) == []
                assert client.asked == [], f"{resource.name} is asked for without a sleep"

    def test_the_account_is_told(self) -> None:
        for door in self.provider.remote:
            mine = [r for r in self._recordings() if r.door == door and r.account is not None]
            assert mine, "no recording says whose account it is"
            for recording in mine:
                account = door.api.identify(recording.client(), GRANT)
                assert account.id == recording.account
                assert account.id not in account.formerly

    def test_an_odd_account_is_refused_in_our_words(self) -> None:
        for recording in self._recordings():
            for body in BODIES:
                odd = [replace(each, reply=Reply(200, {}, body)) for each in recording.exchanges]
                with suppress(SleepBalanceError):
                    client = Recorded(recording.door.api, tuple(odd), damaged=True)
                    assert recording.door.api.identify(client, GRANT).id

    @given(st.data())
    @broken_often
    def test_only_our_errors_come_out_of_damaged_replies(self, data: st.DataObject) -> None:
        whole = self._recordings()
        if not whole:
            return
        recording = data.draw(st.sampled_from(whole))
        client = _damaged(recording, data.draw)
        with suppress(SleepBalanceError):
            recording.door.api.identify(client, GRANT)
        client.asked.clear()
        try:
            raws = [raw for found in recording.found(client).values() for raw in found]
        except SleepBalanceError:
            return
        for group in together(raws, self.provider.reach):
            is_sound(group, self.provider.normalise(group))

    def test_any_refusal_is_read(self) -> None:
        for door in self.provider.remote:
            for status in STATUSES:
                for body in BODIES:
                    _is_a_reading(door.api.fault(Reply(status, {}, body)), status)

    @given(st.data())
    @broken_often
    def test_any_damaged_refusal_is_read(self, data: st.DataObject) -> None:
        for recording in self._recordings():
            exchange = data.draw(st.sampled_from(recording.exchanges))
            body = odd(exchange.reply.body, data.draw)
            status = data.draw(st.sampled_from((exchange.reply.status, *STATUSES)))
            _is_a_reading(recording.door.api.fault(Reply(status, {}, body)), status)

    @given(st.data())
    @broken_often
    def test_any_token_reply_is_read(self, data: st.DataObject) -> None:
        told = {
            name: data.draw(st.sampled_from((value, *ODD)))
            for name, value in (
                ("access_token", SECRET),
                ("refresh_token", SECRET),
                ("expires_in", 3600),
                ("scope", "one two"),
            )
        }
        for door in self.provider.remote:
            if isinstance(door, OAuth):
                try:
                    assert door.unwrap(told).access
                except SleepBalanceError as error:
                    assert SECRET not in str(error)  # noqa: PT017 # or there is no error

    def test_letting_go_tells_the_maker(self) -> None:
        for door in self.provider.remote:
            if isinstance(door, OAuth) and door.revoke is not None:
                client = Recorded(door.api, (), damaged=True)
                with suppress(SleepBalanceError):
                    door.revoke(client, GRANT)
                assert client.asked, "it asks nothing"

    def _recordings(self) -> list[Recording]:
        return [recording_of(self.provider, sample) for sample in self.recordings]


def _is_a_reading(meant: SleepBalanceError | Answer | None, status: int) -> None:
    """Whether `fault` may say this of a reply with that status."""
    if isinstance(meant, SleepBalanceError):
        assert SECRET not in str(meant), "an error may not hold what could be a secret"
        assert str(meant).strip().endswith("."), "it says what the person can do"
    else:
        assert meant is None or isinstance(meant, Answer)
    if status >= 500 or status in (408, 429):
        assert not isinstance(meant, NeedsReconnect | Gone | Fatal), "it will pass"


def _lasts(raw: Raw) -> dt.timedelta:
    assert raw.start is not None
    assert raw.end is not None
    return raw.end - raw.start


def _damaged(recording: Recording, draw: Draw) -> Recorded:
    """The same server, but some of its replies are broken."""
    exchanges = list(recording.exchanges)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(exchanges) - 1))
        exchanges[at] = _broken(exchanges[at], draw)
    return Recorded(recording.door.api, tuple(exchanges), damaged=True)


def _broken(exchange: Exchange, draw: Draw) -> Exchange:
    body = odd(exchange.reply.body, draw)
    same = draw(st.integers(0, 3)) > 0
    status = exchange.reply.status if same else draw(st.sampled_from(STATUSES))
    return replace(exchange, reply=replace(exchange.reply, status=status, body=body))
