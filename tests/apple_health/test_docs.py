"""The provider's page says what the code reads."""

from __future__ import annotations

import re
from pathlib import Path

from sleepbalance.providers.apple_health import PROVIDER
from sleepbalance.providers.apple_health.normalise import VALUES
from sleepbalance.providers.apple_health.sensors import SENSORS

PAGE = (Path(__file__).parents[2] / PROVIDER.docs).read_text(encoding="utf-8")


def test_every_value_and_every_sensor_that_is_read_is_on_the_page_and_no_other() -> None:
    table = PAGE.split("## What is read")[1].split("\nThe values")[0]
    named = set(re.findall(r"`(\w+)`", table)) - {"SleepAnalysis", "HKTimeZone"}
    values = {value for value in VALUES if not value.isdigit()}
    assert named == values | SENSORS.keys()


def test_the_reach_on_the_page_is_the_reach_of_the_code() -> None:
    minutes = re.search(r"at most (\d+) minutes apart", PAGE)
    assert minutes
    assert int(minutes[1]) * 60 == PROVIDER.reach.total_seconds()
