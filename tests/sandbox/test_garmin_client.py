"""Another's client, gcpapi-sync, reads the sandbox's Garmin: every answer fits its models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from gcpapi_sync import AuthenticationError, GarminClient, RateLimitError, RetryConfig
from pydantic import BaseModel

from sleepbalance.sandbox import Address, running
from tests.sandbox.guest import TODAY

FIRST, LAST = dt.date(2026, 4, 1), TODAY.date()


def key(address: Address, person: str = "1") -> str:
    return str(address.ask("POST", "/-/garmin/keys", {"person": person, "days": 90})["key"])


@pytest.fixture(params=["1", "2", "4"])
def client(request: pytest.FixtureRequest, address: Address) -> Iterator[GarminClient]:
    made = key(address, request.param)
    with GarminClient(api_key=made, base_url=f"{address.url}/garmin") as client:
        yield client


def unknown_fields(model: BaseModel) -> set[str]:
    """What we say and its model, made from Garmin's own description, does not know."""
    found = {f"{type(model).__name__}.{name}" for name in model.model_extra or {}}
    for name in type(model).model_fields:
        value = getattr(model, name)
        for item in value if isinstance(value, list) else [value]:
            found |= unknown_fields(item) if isinstance(item, BaseModel) else set()
    return found


def test_sleep_hrv_and_settings(client: GarminClient) -> None:
    settings = client.get_user_profile_settings()
    assert settings.time_zone
    days = client.get_daily_sleep_summaries(FIRST, LAST)  # it splits what is longer than 31 days
    assert [day.calendar_date for day in days] == [
        FIRST + dt.timedelta(days=n) for n in range((LAST - FIRST).days + 1)
    ]
    assert sum(day.sleep_start_timestamp_gmt is not None for day in days) > 100
    assert any(day.daily_nap_dtos for day in days)
    summaries = client.get_daily_hrv_summaries(FIRST, LAST)
    models: list[BaseModel] = [settings, *days, *summaries]
    assert set().union(*map(unknown_fields, models)) == set()


def test_single_days(client: GarminClient) -> None:
    day = dt.date(2026, 11, 19)
    chart = client.get_daily_hrv(day)
    models: list[BaseModel] = [
        client.get_daily_sleep(day),
        client.get_daily_spo2(day),
        client.get_daily_heart_rate(day),
        client.get_daily_summary(day),
        *client.get_daily_summaries(day, LAST),
        *([chart] if chart else []),
    ]
    assert set().union(*map(unknown_fields, models)) == set()
    heart = client.get_daily_heart_rate(day)
    samples = heart.heart_rate_samples()
    assert min(s.heart_rate for s in samples if s.heart_rate) == heart.min_heart_rate
    assert client.get_daily_hrv("2027-01-01") is None


def test_it_exchanges_again_when_a_token_ends() -> None:
    with (
        running(people=1) as address,  # it goes by the real time
        GarminClient(api_key=key(address), base_url=f"{address.url}/garmin") as client,
    ):
        client.get_user_profile_settings()
        address.ask("DELETE", "/-/garmin/tokens")
        client.get_user_profile_settings()
        asked = address.ask("GET", "/-/requests")["requests"]
    paths = [r["path"].rsplit("/", 1)[-1] for r in asked]
    assert paths == ["token", "settings", "settings", "token", "settings"]


def test_it_reads_the_refusals(address: Address) -> None:
    base = f"{address.url}/garmin"
    with (
        GarminClient(api_key="no key", base_url=base) as client,
        pytest.raises(AuthenticationError),
    ):
        client.get_user_profile_settings()
    never = RetryConfig(max_retries=0)
    with GarminClient(api_key=key(address), base_url=base, retry=never) as client:
        fault = {"provider": "garmin", "path": "/sleep-service", "fault": "429", "seconds": 14}
        address.ask("POST", "/-/faults", fault)
        with pytest.raises(RateLimitError) as caught:
            client.get_daily_sleep(LAST)
    assert caught.value.retry_after == 14
