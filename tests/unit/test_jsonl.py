"""JSON Lines of any size and kind of damage: nothing is lost without a word."""

import gzip
import io
import json
import os
import sys
import threading

import pytest

from es_hybrid.errors import RecordError, SourceError
from es_hybrid.sources import JsonLines, files
from es_hybrid.sources.jsonl import parsed

LINES = b'{"n": 1}\n{"n": 2}\n{"n": 3}\n'
ALL = [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.fixture
def file(tmp_path):
    """Writes bytes to a file and gives its path."""

    def write(data, name="docs.jsonl"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def read(*paths):
    return list(JsonLines(paths))


def records(*paths):
    return [item.record for item in read(*paths)]


def reasons(*paths):
    """Place -> why, of the records that could not be read."""
    bad = [item for item in read(*paths) if isinstance(item.record, RecordError)]
    return {item.where: str(item.record) for item in bad}


@pytest.mark.parametrize(
    "data",
    [
        LINES,
        LINES.rstrip(),
        b"\xef\xbb\xbf" + LINES,
        LINES.replace(b"\n", b"\r\n"),
        LINES.replace(b"\n", b"\n\n  \n"),
        b"\n" + LINES,
        gzip.compress(LINES),
        gzip.compress(b"\xef\xbb\xbf" + LINES),
        gzip.compress(LINES[:9]) + gzip.compress(LINES[9:]),
    ],
    ids=["plain", "no end", "BOM", "CRLF", "blanks", "blank first", "gz", "gz BOM", "two members"],
)
def test_every_form_of_the_same_lines_gives_the_same_records(file, data):
    assert records(file(data)) == ALL


def test_gzip_is_known_by_its_bytes_not_by_its_name(file):
    assert records(file(gzip.compress(LINES), "a.jsonl")) == ALL
    assert records(file(LINES, "b.jsonl.gz")) == ALL


def test_each_item_names_its_file_and_line_blank_lines_counted(file):
    places = [item.where for item in read(file(b'\n{"n": 1}\n\n{"n": 2}'))]
    assert places == ["docs.jsonl line 2", "docs.jsonl line 4"]


def test_a_broken_line_is_named_and_the_others_are_read(file):
    path = file(b'{"n": 1}\n{"n": \n{"n": 3}\n')
    assert reasons(path)["docs.jsonl line 2"].startswith("not JSON: ")
    assert len(read(path)) == 3


def test_line_separators_of_unicode_do_not_end_a_line(file):
    text = "one\u2028two\u2029three\x85four\x0bfive"
    path = file(json.dumps({"text": text}, ensure_ascii=False).encode())
    assert records(path) == [{"text": text}]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[1]", "a list, not an object with fields"),
        (b'"text"', "a str, not an object"),
        (b"7", "a int, not an object"),
        (b"null", "a NoneType, not an object"),
        (b"{'n': 1}", "not JSON"),
        (b'{"n": NaN}', "NaN is not JSON: write null"),
        (b'{"n": [1, -Infinity]}', "-Infinity is not JSON: write null"),
        (b'{"n": 1e999}', "not JSON"),
        (b'{"n": NaN', "not JSON"),
        (b'{"n": 1e400}', "not JSON"),
        (b'{"n": "\\ud800"}', "not JSON"),
        (b'{"n": "\xff"}', "not JSON"),
        (b'{"n": 1} {"n": 2}', "not JSON"),
        (b'{"n": 1, "n": 2}', "'n' stands twice in one object"),
        (b'{"n" : 1, "m": 1, "n"\t: 1}', "'n' stands twice in one object"),
        (b'{"m": [{"\\u006e": 1, "n": 2}]}', "'n' stands twice in one object"),
        (b'{"a":' * 1100 + b"1" + b"}" * 1100, "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ('{"n": 1}'.encode("utf-16"), "not JSON"),
        (b'{"n": 18446744073709551616}', "integer 18446744073709551616 does not fit in 64 bits"),
        (b'{"n": -9223372036854775809}', "integer -9223372036854775809 does not fit"),
        (b'{"n": [1, {"m": 123456789012345678901234}]}', "does not fit in 64 bits"),
        (b'{"n": ' + b"9" * 5000 + b"}", "does not fit in 64 bits"),
        (b"9" * 20, "does not fit"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_what_is_no_record_says_why(line, said):
    assert said in str(parsed(line))
    assert isinstance(parsed(line), RecordError)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b'{"n": 18446744073709551615}', 2**64 - 1),
        (b'{"n": -9223372036854775808}', -(2**63)),
        (b'{"n": "123456789012345678901234"}', "123456789012345678901234"),
        (b'{"n": 0.12345678901234567890123}', 0.12345678901234568),
        (b'{"n": 1e300}', 1e300),
        (b'{"n": "\\ud83d\\ude00"}', "😀"),
        (b'{"n": "\\u0000"}', "\0"),
    ],
    ids=repr,
)
def test_what_fits_is_kept_as_it_is(line, value):
    assert parsed(line) == {"n": value}


@pytest.mark.parametrize(
    "line",
    [b'{"n": "\\"n\\": 1"}', b'{"n": {"n": ":"}, "m": [{"n": 1}, {"n": 2}]}', b'{"n": "a: b: c"}'],
)
def test_a_name_in_another_object_or_within_a_text_does_not_stand_twice(line):
    assert parsed(line) == json.loads(line)


def test_a_line_that_is_too_long_is_left_out_alone(file, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 1000)
    path = file(b'{"n": 1}\n{"n": "' + b"x" * 5_000_000 + b'"}\n{"n": 3}\n')
    assert [item.where for item in read(path)][2] == "docs.jsonl line 3"
    assert list(reasons(path)) == ["docs.jsonl line 2"]
    assert "longer than 1,000, which is more than Elasticsearch takes" in str(reasons(path))


def test_a_line_that_never_ends_ends_the_file(file, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 1000)
    monkeypatch.setattr(files, "_ENDLESS", 2_000_000)
    path = file(b'{"n": 1}\n' + b"x" * 5_000_000 + b"\n{}\n")
    assert list(reasons(path)) == ["docs.jsonl line 2"]
    assert "does not end within 2,000,000" in str(reasons(path))


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused_as_it_may_never_end(device):
    with pytest.raises(SourceError, match=f"'{device}' is a device or a socket: name a file"):
        JsonLines([device])


def test_a_truncated_gzip_keeps_what_was_read_and_rejects_the_rest_as_one_item(file):
    lines = [json.dumps({"n": n, "text": os.urandom(30).hex()}).encode() for n in range(2000)]
    path = file(gzip.compress(b"\n".join(lines))[:-3000])
    found = read(path)
    assert [item.record["n"] for item in found[:-1]] == list(range(len(found) - 1))
    assert len(found) > 1000
    assert list(reasons(path)) == [f"docs.jsonl line {len(found)}"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-4],
        lambda data: data[:-8] + b"\0" * 8,
        lambda data: data + b"garbage",
        lambda data: data[:30] + b"\xff" * 9 + data[39:],
    ],
    ids=["cut in the trailer", "wrong checksum", "garbage behind", "damaged inside"],
)
def test_a_damaged_gzip_is_never_taken_for_a_whole_one(file, damage):
    path = file(damage(gzip.compress(LINES * 50)))
    (reason,) = reasons(path).values()
    assert reason.startswith("the file breaks off here and the rest is unread: ")


def test_a_damaged_file_does_not_stop_the_next_one(file):
    broken, whole = file(gzip.compress(LINES)[:-9], "a.gz"), file(LINES, "b.jsonl")
    assert records(broken, whole)[-3:] == ALL
    assert len(reasons(broken, whole)) == 1


def test_several_files_are_read_in_order_and_each_counts_its_own_lines(file):
    items = read(file(LINES, "a.jsonl"), file(LINES, "b.jsonl"))
    assert [item.record for item in items] == ALL + ALL
    assert items[3].where == "b.jsonl line 1"


def test_the_name_of_a_source_is_that_of_its_files(file):
    assert JsonLines([file(LINES, "a.jsonl"), file(LINES, "b.jsonl")]).name == "a.jsonl,b.jsonl"


def test_a_file_name_that_is_not_unicode_becomes_one_that_json_can_say(file):
    source = JsonLines([file(LINES, os.fsdecode(b"caf\xe9.jsonl"))])
    assert source.name == "caf?.jsonl"
    assert next(iter(source)).where == "caf?.jsonl line 1"


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_the_position_never_falls_and_ends_at_the_size(file, pack):
    data = pack(b"".join(b'{"n": %d}\n' % n for n in range(30_000)))
    source = JsonLines([file(data), file(data)])
    positions = [item.position for item in source]
    assert positions == sorted(positions)
    assert positions[-1] == source.size == 2 * len(data)


def test_blank_lines_at_the_end_of_a_file_count_for_the_position_of_the_next(file):
    first, second = file(LINES + b"\n" * 300_000, "a.jsonl"), file(LINES, "b.jsonl")
    source = JsonLines([first, second])
    assert [item.position for item in source][-1] == source.size


def test_a_source_can_be_read_twice(file):
    source = JsonLines([file(LINES)])
    assert list(source) == list(source)


def test_reading_may_stop_half_way(file):
    assert next(iter(JsonLines([file(LINES)]))).record == {"n": 1}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("missing.jsonl", r"no file '.*missing.jsonl': check the path"),
        ("empty.jsonl", r"'.*empty.jsonl' is empty: it needs one JSON object per line"),
        (".", "is a folder: name the files in it"),
    ],
)
def test_what_cannot_be_read_is_refused_before_reading(file, tmp_path, path, said):
    file(b"", "empty.jsonl")
    with pytest.raises(SourceError, match=said):
        JsonLines([tmp_path / path])


def test_a_file_that_may_not_be_read_is_refused(file, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    path = file(LINES)
    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(SourceError, match=r"cannot read .*: Permission denied"):
        JsonLines([path])


def test_no_file_at_all_is_refused():
    with pytest.raises(SourceError, match="no file given"):
        JsonLines([])


@pytest.fixture
def stdin(monkeypatch):
    """Puts bytes where standard input is."""

    def feed(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
        return sys.stdin

    return feed


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_dash_is_standard_input(stdin, pack):
    stdin(pack(LINES))
    items = read("-")
    assert [item.record for item in items] == ALL
    assert items[0].where == "stdin line 1"
    assert JsonLines(["-"]).size is None


def test_csv_on_standard_input_is_told_how_to_be_read(stdin):
    stdin(b"id,text\n1,hot\n")
    first, second = (str(item.record) for item in read("-"))
    assert "--delimiter" in first
    assert "--delimiter" not in second


def test_standard_input_stays_open_for_others(stdin):
    open_ = stdin(LINES)
    read("-")
    assert not open_.buffer.closed


def test_an_empty_standard_input_has_no_records(stdin):
    stdin(b"")
    assert read("-") == []


def test_a_pipe_loses_nothing(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(LINES,), daemon=True)
    writer.start()
    source = JsonLines([pipe])
    assert [item.record for item in source] == ALL
    assert source.size is None
    writer.join()
