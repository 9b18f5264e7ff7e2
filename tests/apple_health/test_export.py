"""Reading an Apple Health export: what comes out, of good files and of bad ones."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from sleepbalance.archive import open_members
from sleepbalance.errors import Malformed
from sleepbalance.provider import Finished, Member, Raw
from sleepbalance.providers.apple_health import packs
from sleepbalance.providers.apple_health.export import read, recognises
from tests.apple_health.layouts import (
    CORE,
    HEADER,
    HEART,
    NOW,
    SLEEP,
    Bytes,
    date,
    epoch,
    export,
    outcome,
    record,
    through,
)

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "apple_health"
# file: samples of sleep, set aside, readings of heart rate, zone marks
EXPECTED = {
    "export_apple-health-parser.xml": (2, 0, 2, 0),
    "export_healthkit-to-sqlite.xml": (0, 0, 1, 1),
    "export_made_legacy_asleep.xml": (9, 0, 0, 0),
    "export_made_no_dtd_no_exportdate.xml": (12, 0, 0, 0),
    "export_made_no_health_xml.zip": (0, 0, 0, 0),
    "export_made_truncated.xml": (11, 1, 0, 0),
    "export_made_unknown_value.xml": (12, 0, 0, 0),
    "export_made_v12_broken_dtd.xml": (12, 0, 0, 0),
    "export_made_vertical_tab.xml": (12, 0, 0, 0),
    "export_made_zh.zip": (12, 0, 0, 0),
    "export_tdda_v3_2016.xml": (0, 0, 0, 0),
    "exportar_made_es.zip": (12, 0, 0, 0),
}


def read_all(*members: Member, now: dt.datetime = NOW) -> tuple[list[Raw], Finished]:
    *raws, finished = read(members, now)
    assert isinstance(finished, Finished)
    assert all(isinstance(raw, Raw) for raw in raws)
    return [raw for raw in raws if isinstance(raw, Raw)], finished


def samples(data: bytes) -> list[packs.SleepSample]:
    return [packs.decode_sample(raw.payload) for raw in read_all(Bytes(data))[0]]


def only(data: bytes) -> Raw:
    (raw,), _ = read_all(Bytes(data))
    return raw


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("export*")) if SAMPLES.is_dir() else [])
def test_shared_samples(path: Path) -> None:
    with open_members(path) as members:
        later = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
        raws, finished = read_all(*filter(recognises, members), now=later)
    found = outcome(raws, list(finished.problems))
    good = [raw for raw in found.sleep if raw.problem is None]
    beats = [len(packs.unpack(p).starts) for kind, _, p in found.packs.values() if "heart" in kind]
    counts = (len(good), len(found.sleep) - len(good), sum(beats), len(found.zones))
    assert counts == EXPECTED[path.name]
    assert bool(finished.problems) == ("truncated" in path.name)


def test_a_sample_of_sleep() -> None:
    text = record(
        source="Sam’s Apple\u00a0Watch",
        sourceVersion="26.2",
        device="<<HKDevice: 0x1>, name:Apple Watch>",
        entries={"HKTimeZone": "Asia/Tokyo", "Note": 'a "b" & <c>'},
    )
    raw, finished = read_all(Bytes(export(text)))[0][0], read_all(Bytes(export(text)))[1]
    assert (raw.kind, raw.companion, raw.problem, raw.zone) == ("sleep", False, None, "Asia/Tokyo")
    assert raw.source.key == "Sam's Apple Watch"
    assert raw.source.name == "Sam’s Apple\u00a0Watch"
    assert raw.source.device == "watch"
    assert raw.start == dt.datetime(2026, 3, 2, 22, tzinfo=dt.UTC)
    assert raw.end == raw.revised_at == dt.datetime(2026, 3, 2, 22, 30, tzinfo=dt.UTC)
    sample = packs.decode_sample(raw.payload)
    assert (sample.value, sample.printed, sample.zone) == (CORE, 3600, "Asia/Tokyo")
    assert sample.more["Note"] == 'a "b" & <c>'
    assert sample.more["sourceVersion"] == "26.2"
    assert finished == Finished(as_of=dt.datetime(2026, 5, 1, 10, tzinfo=dt.UTC))


def test_the_same_sample_in_another_offset_has_the_same_key() -> None:
    winter = record(start="2026-03-02 23:00:00 +0100", end="2026-03-02 23:30:00 +0100")
    summer = record(start="2026-03-03 00:00:00 +0200", end="2026-03-03 00:30:00 +0200")
    other = record(start="2026-03-03 00:00:01 +0200", end="2026-03-03 00:30:00 +0200")
    keys = {only(export(text)).key for text in (winter, summer)}
    assert len(keys) == 1
    assert only(export(other)).key not in keys


def test_repeats_are_handed_on() -> None:
    assert len(read_all(Bytes(export(record(), record(), record())))[0]) == 3


@pytest.mark.parametrize("zone", ["Nowhere/Land", "+0200", "../../etc/passwd", "x" * 100, "a\0b"])
def test_a_zone_that_is_none_is_no_zone(zone: str) -> None:
    assert only(export(record(entries={"HKTimeZone": zone}))).zone is None


@pytest.mark.parametrize(
    ("name", "key", "device"),
    [
        ("Robin’s iPhone", "Robin's iPhone", "phone"),
        ("  “Robin”\u202f \tPhone ", '"Robin" Phone', "phone"),
        ("Oura", "Oura", "ring"),
        ("RingConn", "RingConn", None),
        ("Spring Health", "Spring Health", None),
        ("Headphones", "Headphones", None),
        ("Ame\u0301lie", "Am\u00e9lie", None),
        ("Pillow & Co", "Pillow & Co", None),
    ],
)
def test_sources(name: str, key: str, device: str | None) -> None:
    source = only(export(record(source=name))).source
    assert (source.key, source.device) == (key, device)


def test_what_a_person_typed_is_a_source_of_its_own() -> None:
    typed = only(export(record(entries={"HKWasUserEntered": "1"})))
    measured = only(export(record(entries={"HKWasUserEntered": "0"})))
    assert typed.source.key == measured.source.key + "#manual"
    assert packs.decode_sample(typed.payload).manual
    assert not packs.decode_sample(measured.payload).manual
    assert typed.key != measured.key


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (record(start="yesterday"), "its start is no date"),
        (record(start="2026-02-30 23:00:00 +0100"), "its start is no date"),
        (record(start="2026-03-02 23:00:00"), "its start is no date"),
        (record(start="2026-03-02 23:00:00 +9900"), "its start is no date"),
        (record(end="2026-03-02 23:30:00 +0190"), "its end is no date"),
        (record(start=""), "it has no start"),
        (record().replace("endDate", "stopDate"), "it has no end"),
        (record(end="2026-03-02 22:59:59 +0100"), "it ends before it starts"),
        (record(end="2026-03-02 23:00:00 +0100"), "it has no length"),
        (record(end="2026-03-03 23:00:01 +0100"), "it lasts longer than 24 hours"),
        (record(start="1989-12-31 12:00:00 +0000"), "its year is outside 1990 to 2100"),
        (record(end="2101-01-01 00:00:00 +0000"), "its year is outside 1990 to 2100"),
        (record(end="0001-01-01 00:00:00 +0100"), "its year is outside 1990 to 2100"),
        (
            record(start="2026-05-01 09:00:00 +0000", end="2026-05-01 10:00:01 +0000"),
            "it lies in the future: it ends after the export was made",
        ),
        (record(value=""), "it has no value"),
        (record(source=" \u00a0"), "it has no usable source name"),
        (record(source="x" * 501), "it has no usable source name"),
    ],
)
def test_what_cannot_be_used_is_set_aside_with_its_reason(text: str, reason: str) -> None:
    raws, finished = read_all(Bytes(export(record(), text, record())))
    (aside,) = [raw for raw in raws if raw.problem]
    assert (aside.kind, aside.companion, aside.problem) == ("sleep", False, reason)
    placed = "future" in reason  # only when it is, not what it is, is wrong
    assert (aside.start is not None, aside.end is not None) == (placed, placed)
    assert aside.key.startswith("aside|")
    assert SLEEP.encode() in aside.payload
    assert len(raws) == 3
    assert finished.problems == ()


def test_without_an_export_date_now_is_the_border() -> None:
    last = "2026-05-31 23:00:00 +0000", "2026-06-01 00:00:00 +0000"
    late = "2026-05-31 23:00:00 +0000", "2026-06-01 00:00:01 +0000"
    for exported in ("", ' <ExportDate value="soon"/>'):
        good, bad = (record(start=start, end=end) for start, end in (last, late))
        data = export(good, bad, exported=exported)
        raws, finished = read_all(Bytes(data))
        assert [raw.problem is None for raw in raws] == [True, False]
        assert finished.as_of is None


def test_a_creation_date_that_is_none_costs_nothing() -> None:
    text = record().replace('creationDate="2026', 'creationDate="never')
    raw = only(export(text))
    assert raw.problem is None
    assert raw.revised_at is None


@pytest.mark.parametrize("value", ["HKCategoryValueSleepAnalysisSomethingNew", "7"])
def test_an_unknown_value_is_a_sample_all_the_same(value: str) -> None:
    raw = only(export(record(value=value)))
    assert raw.problem is None
    assert packs.decode_sample(raw.payload).value == value


def beat(
    start: str,
    value: str = "60",
    end: str | None = None,
    kind: str = HEART,
    source: str = "Sam's Watch",
    entries: Mapping[str, str] | None = None,
) -> str:
    return record(kind, start, end or start, value, source, entries)


def test_readings_become_packs_of_a_week() -> None:
    data = export(
        beat("2026-03-02 23:00:00 +0100", "60"),
        beat("2026-03-02 23:00:00 +0100", "60"),
        beat("2026-03-02 22:00:00 +0100", "61.5"),
        beat("2026-03-20 22:00:00 +0100", "62"),
        beat("2026-03-20 22:00:00 +0100", "0.97", kind="HKQuantityTypeIdentifierOxygenSaturation"),
        beat("2026-03-20 22:00:00 +0100", "14", kind="HKQuantityTypeIdentifierRespiratoryRate"),
        beat("2026-03-20 22:00:00 +0100", "99", kind="HKQuantityTypeIdentifierRestingHeartRate"),
        beat(
            "2026-03-20 22:00:00 +0100",
            "41.5",
            "2026-03-20 22:01:00 +0100",
            kind="HKQuantityTypeIdentifierHeartRateVariabilitySDNN",
        ),
    )
    raws, _ = read_all(Bytes(data))
    assert all(raw.companion for raw in raws)
    kinds = sorted(raw.kind for raw in raws)
    assert kinds == ["breathing_rate", "heart_rate", "heart_rate", "hrv_sdnn", "spo2"]
    first = min((raw for raw in raws if raw.kind == "heart_rate"), key=lambda raw: raw.key)
    columns = packs.unpack(first.payload)
    at = epoch("2026-03-02 23:00:00 +0100")
    assert list(columns.starts) == [at - 3600, at]
    assert list(columns.values) == [61.5, 60.0]
    assert first.key == f"heart_rate|{at // 604800}|Sam's Watch"
    assert (first.start, first.end) == (
        dt.datetime.fromtimestamp(at - 3600, dt.UTC),
        dt.datetime.fromtimestamp(at, dt.UTC),
    )
    (sdnn,) = [raw for raw in raws if raw.kind == "hrv_sdnn"]
    assert list(packs.unpack(sdnn.payload).seconds) == [60]


@pytest.mark.parametrize(
    "text",
    [
        beat("2026-03-02 23:00:00 +0100", "nan"),
        beat("2026-03-02 23:00:00 +0100", "inf"),
        beat("2026-03-02 23:00:00 +0100", "-4"),
        beat("2026-03-02 23:00:00 +0100", "0"),
        beat("2026-03-02 23:00:00 +0100", "1e9"),
        beat("2026-03-02 23:00:00 +0100", "6_0"),
        beat("2026-03-02 23:00:00 +0100", "1.2.3"),
        beat("2026-03-02 23:00:00 +0100", ""),
        beat("2026-03-02 23:00:00"),
        beat("2026-13-02 23:00:00 +0100"),
        beat("2026-03-02 24:00:00 +0100"),
        beat("2026-03-02 23:60:00 +0100"),
        beat("2026-03-02 23:00:00 +2400"),
        beat("1980-03-02 23:00:00 +0100"),
        beat("2099-03-02 23:00:00 +0100"),
        beat("2200-03-02 23:00:00 +0100"),
        beat("2026-03-02 23:00:00 +0100", end="2026-03-02 22:59:00 +0100"),
        beat("2026-03-02 23:00:00 +0100", end="2026-03-03 23:00:01 +0100"),
        beat("2026-03-02 23:00:00 +0100", source=""),
    ],
)
def test_readings_that_cannot_be_read_are_counted(text: str) -> None:
    good = beat("2026-03-02 23:00:00 +0100"), beat("2026-03-02 23:01:00 +0100")
    for data in (export(good[0], text, good[1], record()), export(good[0], text, text, good[1])):
        fast, careful = through(data), through(data, careful=True)
        assert fast == careful
        ((_, _, pack),) = fast.packs.values()
        assert len(packs.unpack(pack).starts) == 2
        (problem,) = fast.problems
        count = data.count(text.encode())
        words = "heart rate reading could" if count == 1 else "heart rate readings could"
        assert problem.startswith(f"{count} {words} not be read: ")


def test_an_export_from_the_future_is_judged_by_now() -> None:
    tomorrow = record(start="2026-06-01 21:00:00 +0000", end="2026-06-02 05:00:00 +0000")
    dream = record(start="2028-06-01 21:00:00 +0000", end="2028-06-02 05:00:00 +0000")
    data = export(tomorrow, dream)
    dated = re.sub(
        rb'<ExportDate value="[^"]*', b'<ExportDate value="2030-01-01 00:00:00 +0000', data
    )
    assert dated != data
    raws, finished = read_all(Bytes(dated))
    assert finished.as_of == NOW + dt.timedelta(days=1)
    assert [raw.problem is None for raw in raws] == [False, False]


def test_zone_marks_are_given_once() -> None:
    workout = (
        '\n <Workout workoutActivityType="Run" sourceName="Sam\'s Watch" '
        'startDate="2026-03-02 17:30:00 +0100" endDate="2026-03-02 18:00:00 +0100">'
        '\n  <MetadataEntry key="HKTimeZone" value="Europe/Berlin"/>\n </Workout>'
    )
    here, there = {"HKTimeZone": "Europe/Berlin"}, {"HKTimeZone": "Asia/Tokyo"}
    data = export(
        beat("2026-03-02 18:00:00 +0100", entries=here),
        beat("2026-03-02 18:10:00 +0100", entries=here),
        beat("2026-03-02 18:20:00 +0100", entries=there),
        beat("2026-03-02 18:20:00 +0100", kind="HKCategoryTypeIdentifierStand", entries=here),
        beat("long ago", kind="HKCategoryTypeIdentifierStand", entries=here),
        beat("2026-03-02 18:10:00 +0100", entries={"HKTimeZone": "Nowhere"}),
        beat("1970-03-02 18:10:00 +0100", entries=here),
        workout,
    )
    marks = [raw for raw in read_all(Bytes(data))[0] if raw.kind == "zone"]
    assert sorted(raw.zone or "" for raw in marks) == ["Asia/Tokyo", "Europe/Berlin"]
    cell = epoch("2026-03-02 16:00:00 +0000") // (4 * 3600)
    for raw in marks:
        assert raw.companion
        assert raw.key == f"zone|{cell}|{raw.zone}|Sam's Watch"
    (berlin,) = [raw for raw in marks if raw.zone == "Europe/Berlin"]
    assert berlin.start == dt.datetime(2026, 3, 2, 16, 30, tzinfo=dt.UTC)
    assert berlin.end == dt.datetime(2026, 3, 2, 17, 20, tzinfo=dt.UTC)


def test_nested_records_are_not_read_twice() -> None:
    nested = record(HEART, value="70").replace("\n <", "\n  <")
    inside = f'\n <Correlation type="X" sourceName="a" startDate="" endDate="">{nested}'
    data = export(record(HEART, value="70"), inside + "\n </Correlation>", record())
    for careful in (False, True):
        found = through(data, careful)
        ((_, _, pack),) = found.packs.values()
        assert len(packs.unpack(pack).starts) == 1
        assert len(found.sleep) == 1
        assert found.problems == []


# ── which files ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "data", "wanted"),
    [
        ("export.xml", export(record()), True),
        ("导出.xml", export(record()), True),
        ("apple_health_export/Exportar.XML", export(record()), True),
        ("export.xml", export(record()).removeprefix(HEADER.encode()), True),
        ("export.xml", b"\xef\xbb\xbf" + export(record()), True),
        ("export.xml", export(record()).decode().encode("utf-16"), True),
        ("export.xml", export(record()).decode().encode("utf-16-be"), True),
        ("export.xml", b"<?xml version='1.0'?><!DOCTYPE  HealthData>", True),
        ("export_cda.xml", export(record()), False),
        ("export.txt", export(record()), True),
        ("export", export(record()), True),
        ("export.csv", export(record()), False),
        ("export.xml", b"<ClinicalDocument>HealthData</ClinicalDocument>", False),
        ("export.xml", b"<HealthDataX/>", False),
        ("export.xml", b"", False),
    ],
)
def test_recognises_by_content(name: str, data: bytes, wanted: bool) -> None:
    assert recognises(Bytes(data, name)) is wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("apple_health_export/exportar.xml", True),
        ("export.xml", True),
        ("apple_health_export/export_cda.xml", False),
        ("apple_health_export/route.gpx", False),
        ("letters/a.xml", False),
        ("anywhere/导出.xml", True),
    ],
)
def test_recognises_what_is_encrypted_by_its_name(name: str, wanted: bool) -> None:
    assert recognises(Bytes(b"", name, encrypted=True)) is wanted


def test_several_exports_are_all_read() -> None:
    older = export(record(), exported=' <ExportDate value="2026-04-01 12:00:00 +0000"/>')
    newer = export(beat("2026-03-02 23:00:00 +0100"))
    raws, finished = read_all(Bytes(older), Bytes(newer))
    assert [raw.kind for raw in raws] == ["sleep", "heart_rate"]
    assert finished.as_of == dt.datetime(2026, 5, 1, 10, tzinfo=dt.UTC)


def test_nothing_that_opens_is_an_error_and_something_is_a_problem(tmp_path: Path) -> None:
    gone, good = tmp_path / "a.xml", tmp_path / "b.xml"
    for path in (gone, good):
        path.write_bytes(export(record()))
    with open_members(tmp_path) as members:
        gone.unlink()
        raws, finished = read_all(*members)
        assert len(raws) == 1
        assert len(finished.problems) == 1
        with pytest.raises(Malformed, match=r"a\.xml"):
            list(read(members[:1], NOW))


def test_archives_that_break_keep_what_was_read(tmp_path: Path) -> None:
    nights = [f"2026-03-{day:02} 0{hour}" for day in range(1, 10) for hour in range(1, 7)]
    text = export(*(record(start=f"{at}:00:00 +0100", end=f"{at}:50:00 +0100") for at in nights))
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        whole.writestr("apple_health_export/exportar.xml", text)
    data = path.read_bytes()

    def opened(changed: bytes) -> tuple[list[Raw], Finished]:
        path.write_bytes(changed)
        with open_members(path) as members:
            return read_all(*filter(recognises, members))

    raws, finished = opened(data[: len(data) * 2 // 3])
    assert 10 < len([raw for raw in raws if raw.problem is None]) < len(nights)
    assert [problem.split(",")[0] for problem in finished.problems] == ["The zip is cut off"]

    raws, finished = opened(data[: data.index(b"PK\1\2")])
    assert len(raws) == len(nights)
    assert [problem.split(",")[0] for problem in finished.problems] == ["The zip is cut off"]

    spoiled = bytearray(data)
    spoiled[data.index(b"PK\1\2") + 16] ^= 1
    raws, finished = opened(bytes(spoiled))
    assert len(raws) == len(nights)
    assert "checksum" in finished.problems[0]

    spoiled = bytearray(data)
    spoiled[6] |= 1
    spoiled[data.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(Malformed, match="encrypted: unpack it with its password"):
        opened(bytes(spoiled))


def test_a_stream_that_breaks_before_the_root_says_why(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    head = b"<!DOCTYPE HealthData [" + b"<!-- -->" * 100_000
    with zipfile.ZipFile(path, "w") as whole:
        whole.writestr("export.xml", head)
    path.write_bytes(path.read_bytes()[:400_000])
    with open_members(path) as members:
        later = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
        raws, finished = read_all(*filter(recognises, members), now=later)
    assert raws == []
    assert [problem.split(",")[0] for problem in finished.problems] == ["The zip is cut off"]


# ── headers and encodings ────────────────────────────────────────────────────────────────────

REFERENCE = through(export(record(), beat("2026-03-02 23:00:00 +0100")))


@pytest.mark.parametrize(
    "head",
    [
        "",
        "\n\n",
        '<?xml version="1.0"?>',
        "<!DOCTYPE HealthData>\n",
        '<!DOCTYPE HealthData SYSTEM "file:///etc/passwd">\n',
        "<?xml version='1.0'?><!-- <HealthData> --><?pi <HealthData> ?><!DOCTYPE HealthData []>",
        '<!DOCTYPE HealthData [<!ENTITY a "<HealthData>"><!ENTITY b "&a;&a;&a;">]>',
        "<!DOCTYPE HealthData [\n<!ELEMENT >\n> \n>]>\n",
        '<!DOCTYPE HealthData [<!ENTITY % x SYSTEM "http://localhost/x"> %x; ]>',
        "stray words ",
    ],
)
def test_headers(head: str) -> None:
    data = export(record(), beat("2026-03-02 23:00:00 +0100"), head=head)
    for block in (1, 7, 128 * 1024):
        assert through(data, block=block) == REFERENCE


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_unicode_by_its_mark(name: str) -> None:
    data = export(record(), beat("2026-03-02 23:00:00 +0100")).decode().encode(name)
    assert through(data) == REFERENCE
    assert through(data, block=10) == REFERENCE


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("ISO-8859-1", "latin-1"), ("windows-1252", "cp1252"), ("Shift_JIS", "shift_jis")],
)
def test_other_encodings(declared: str, codec: str) -> None:
    name = "カメラ" if codec == "shift_jis" else "Zoë"
    head = f'<?xml version="1.0" encoding="{declared}"?>\n'
    data = export(record(source=name), head=head).decode().encode(codec)
    assert only(data).source.name == name


@pytest.mark.parametrize("declared", ["rot13", "zip", "no-such", "us-ascii", "UTF8", "iso-8859-99"])
def test_a_declaration_that_means_nothing_is_utf_8(declared: str) -> None:
    data = export(record(source="Zoë"), head=f'<?xml version="1.0" encoding="{declared}"?>')
    assert only(data).source.name == "Zoë"


@pytest.mark.parametrize(
    "data", [b"", b"<HealthDat", b"<!DOCTYPE HealthData [ <!--", b"x" * 9_000_000]
)
def test_without_a_root_there_is_a_problem(data: bytes) -> None:
    raws, finished = read_all(Bytes(data))
    assert raws == []
    assert finished.problems == (
        "There is no <HealthData> in the file; make the export on the phone anew",
    )


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    data = export(record(source="Zo?")).replace(b"Zo?", b"Zo\xeb")
    assert only(data).source.name == "Zo\ufffd"


def test_control_characters_are_dropped() -> None:
    data = export(record(source="Sam")).replace(b"Sam", b"S\x0ba\x1fm\x00")
    assert only(data).source.name == "Sam"


# ── damage ───────────────────────────────────────────────────────────────────────────────────

BROKEN = [
    record().replace('sourceName="', 'sourceName="<'),
    record().replace('sourceName="', "sourceName="),
    record().replace('value="', 'value="&undefined;'),
    record().replace("/>", ">"),
    record().replace("/>", "></Wrecord>"),
    record().replace(" startDate", ' type="again" startDate'),
    record(entries={"a": "b"}).replace("</Record>", "</Recor"),
]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("block", [50, 3000, 128 * 1024])
@pytest.mark.parametrize("careful", [False, True])
def test_a_broken_record_is_set_aside_and_the_rest_is_read(
    broken: str, block: int, careful: bool
) -> None:
    nights = [f"2026-03-{day:02} 0{hour}" for day in range(1, 10) for hour in range(1, 7)]
    good = [record(start=f"{at}:00:00 +0100", end=f"{at}:50:00 +0100") for at in nights]
    found = through(export(*good[:20], broken, *good[20:]), careful, block)
    assert len([raw for raw in found.sleep if raw.problem is None]) == len(good)
    asides = [raw for raw in found.sleep if raw.problem]
    assert [raw.problem for raw in asides] == ["it is not well-formed XML"]
    assert len(found.problems) == 1
    assert "could not be read as XML" in found.problems[0]


def test_garbage_in_the_middle_costs_only_itself() -> None:
    good = [beat(f"2026-03-02 23:{minute:02}:00 +0100") for minute in range(60)]
    garbage = bytes(range(256)) * 40
    for careful in (False, True):
        data = export(*good[:30], "@@@", *good[30:], record()).replace(b"@@@", garbage)
        found = through(data, careful, 4000)
        ((_, _, pack),) = found.packs.values()
        assert len(packs.unpack(pack).starts) >= 59
        assert len(found.sleep) == 1
        assert found.problems


def test_broken_readings_are_counted_too() -> None:
    text = record(HEART, value="60").replace('value="', 'value="<')
    found = through(export(record(), text, record()))
    assert "1 heart rate reading could not be read: it is not well-formed XML" in found.problems


@pytest.mark.parametrize("cut", range(0, 1500, 41))
def test_cut_anywhere_keeps_what_came_before(cut: int) -> None:
    entries = {"HKTimeZone": "Europe/Berlin"}
    nights = [f"2026-03-0{day} 01" for day in range(1, 8)]
    good = [
        record(start=f"{n}:00:00 +0100", end=f"{n}:50:00 +0100", entries=entries) for n in nights
    ]
    data = export(*good)
    cut_data = data[: len(data) - 17 - cut]
    for careful in (False, True):
        found = through(cut_data, careful, 700)
        whole = cut_data.count(b"</Record>")
        assert len([raw for raw in found.sleep if raw.problem is None]) == whole
        assert not found.whole
        asides = {raw.problem for raw in found.sleep if raw.problem}
        assert asides <= {"it is cut off at the end of the file"}
    _, finished = read_all(Bytes(cut_data))
    assert finished.problems == ("The file is cut off at its end; everything before was read",)


def test_hostile_files_end_in_problems() -> None:
    deep = "<a>" * 100_000
    wide = "".join(f' a{i}="1"' for i in range(100_000))
    for text in (deep, f"\n <Record{wide}/>", f'\n <Record a="{"x" * 9_000_000}"/>', "<![CDATA["):
        found = through(export(record(), text, record()))
        assert any(raw.problem is None for raw in found.sleep)
        assert found.problems or not found.whole


def test_a_hopeless_file_is_given_up() -> None:
    raws, finished = read_all(Bytes(export(record(), "\n <Record <" * 60_000, record())))
    assert raws[0].problem is None
    assert "The file is too damaged to read on; what came before was read" in finished.problems


def test_entities_are_never_expanded() -> None:
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    head = f'<!DOCTYPE HealthData [<!ENTITY l0 "ha">{laughs}]>'
    again = '\n <!DOCTYPE HealthData [<!ENTITY x "y">]>'
    data = export(record(), record(source="&l9;").replace("&amp;", "&"), again, record(), head=head)
    found = through(data)
    assert sorted(raw.problem or "" for raw in found.sleep) == ["", "", "it is not well-formed XML"]


def test_two_exports_in_one_file_are_both_read() -> None:
    one, two = export(record()), export(record(start="2026-03-02 22:00:00 +0100"))
    found = through(one + two)
    assert len(found.sleep) == 2


def test_a_long_file_is_handed_on_piece_by_piece() -> None:
    minutes = range(70_000)
    first = epoch("2026-01-05 00:00:00 +0000")
    data = export(*(beat(date(first + 60 * minute), f"{50 + minute % 40}") for minute in minutes))
    raws, finished = read_all(Bytes(data))
    weeks = {raw.key for raw in raws}
    assert len(weeks) == 8
    assert len(raws) == 9  # one week in two pieces
    assert sum(len(packs.unpack(raw.payload).starts) for raw in raws) == len(minutes)
    assert finished.problems == ()


def test_where_the_phone_keeps_a_device_does_not_matter() -> None:
    heads = [f"<<HKDevice: 0x{i:09x}>, name:Apple Watch>" for i in range(500)]
    at = epoch("2026-03-02 23:00:00 +0100")
    data = export(
        *(
            record(HEART, date(at + i), date(at + i), "60", device=head)
            for i, head in enumerate(heads)
        )
    )
    (pack,) = through(data).packs.values()
    assert len(packs.unpack(pack[2]).starts) == 500
    assert through(data) == through(data, careful=True)


def test_readings_in_any_order_become_the_same_pack() -> None:
    beats = [beat(f"2026-03-02 {hour:02}:00:00 +0100", str(60 + hour)) for hour in range(24)]
    found = [through(export(*order)).packs for order in (beats, beats[::-1], beats + beats)]
    assert found[0] == found[1] == found[2]


def test_one_source_described_in_two_ways_is_described_once() -> None:
    known = record(HEART, value="60", device="Apple Watch", source="Sam’s")
    bare = record(HEART, value="61", source="Sam's")
    for order in ((known, bare), (bare, known)):
        (raw,) = read_all(Bytes(export(*order)))[0]
        assert (raw.source.name, raw.source.device) == ("Sam’s", "watch")


def test_many_sources_do_not_pile_up() -> None:
    data = export(*(beat("2026-03-02 23:00:00 +0100", source=f"s{i}") for i in range(3000)))
    assert len(through(data).packs) == 3000
