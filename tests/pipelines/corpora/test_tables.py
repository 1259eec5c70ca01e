"""Tables of every form: what is good is read, one bad row never stops the others."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from extracts import write
from pyarrow import feather, ipc
from pyarrow import parquet as pq

from pipelines.corpora import json_tables
from pipelines.corpora.reading import LONGEST_LINE, BadRecord
from pipelines.corpora.tables import fields_of, rows

GOOD = b'{"a":1}\n{"a":2}\n'


def read(path: Path) -> list[object]:
    """Give the fields of each row, or the reason why it has none."""
    found: list[object] = []
    for number, row in rows(path):
        try:
            found.append(fields_of(row))
        except BadRecord as error:
            found.append(error.reason if number else f"file: {error.reason}")
    return found


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", GOOD),
        ("a.json", GOOD),
        ("a.json", b"\xef\xbb\xbf" + GOOD),
        ("a.json", b'[{"a":1},{"a":2}]'),
        ("a.json", b'\n [\n {"a": 1} ,\n {"a":2}\n]\n'),
        ("a.json", b'{"a":[1,2]}'),
        ("a.jsonl.gz", gzip.compress(GOOD[:8], mtime=0) + gzip.compress(GOOD[8:], mtime=0)),
        ("a.bin", GOOD),
    ],
)
def test_json_is_told_by_looking(name: str, data: bytes, tmp_path: Path) -> None:
    assert read(write(tmp_path / name, data)) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "document",
    [
        {"version": 1, "data": [{"a": 1}, {"a": 2}]},
        {"train": [{"a": 1}], "test": [{"a": 2}]},
        {"17": {"a": 1}, "18": {"a": 2}},
    ],
)
def test_an_object_of_lists_gives_their_items(document: object, tmp_path: Path) -> None:
    read_back = read(write(tmp_path / "a.json", json.dumps(document, indent=1)))
    assert [record["a"] for record in read_back if isinstance(record, dict)] == [1, 2]


def test_an_object_that_is_one_record_stays_one(tmp_path: Path) -> None:
    record = {"imagePath": "x.png", "shapes": [{"label": "a"}]}
    assert read(write(tmp_path / "a.json", json.dumps(record))) == [record]


def test_a_bad_line_is_only_its_own_reject(tmp_path: Path) -> None:
    bad = {
        b'{"a":': "not_json",
        b'{"a":"\xff"}': "not_utf8",
        b'{"a":"\\ud800"}': "not_utf8",
        b'{"a":1,"a":2}': "duplicate_key",
        b'{"a":Infinity}': "not_json",
        b"[1]": "not_an_object",
        b"[" * 200_000: "not_json",
        b'{"a":"' + b"x" * (LONGEST_LINE + 4_000_000) + b'"}': "line_too_long",
    }
    lines = [line for one in bad for line in (one, b'{"a":NaN}')]
    path = write(tmp_path / "a.jsonl", b"\n".join(lines))
    expected = [what for reason in bad.values() for what in (reason, {"a": None})]
    assert read(path) == expected


def test_rows_are_numbered_by_line_over_empty_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b'\n\n{"a":1}\n\n\n{"a":2}')
    assert [number for number, _ in rows(path)] == [3, 6]


def test_a_bad_element_of_a_list_is_only_its_own_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_tables, "LONGEST_LINE", 2**19)
    long = b'{"a":"' + b"x" * 2**21 + b'"}'
    elements = [b'{"a":"]}\\\\\\"{"}', b"{bad}", b'{"a":[[{"b":"]"}]]}', long, b'{"a":1}']
    found = read(write(tmp_path / "a.json", b"[" + b" ,\n".join(elements) + b"]"))
    assert found == [
        {"a": ']}\\"{'},
        "not_json",
        {"a": [[{"b": "]"}]]},
        "line_too_long",
        {"a": 1},
    ]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.json", b"", ["file: empty_file"]),
        ("a.json", b'[{"a":1},{"a"', [{"a": 1}, "file: not_json"]),
        ("a.jsonl.gz", gzip.compress(GOOD, mtime=0)[:-3], [{"a": 1}, {"a": 2}, "file: damaged_file"]),
        ("a.jsonl", "{}".encode("utf-16"), ["file: not_utf8"]),
        ("a.parquet", b"PAR1garbage", ["file: damaged_file"]),
        ("a.parquet", b"hello", ["file: damaged_file"]),
        ("a.arrow", b"ARROW1\0\0garbage", ["file: damaged_file"]),
        ("a.csv", b"a,a\n1,2\n", ["file: bad_header"]),
        ("a.xyz", b"plain text", ["file: not_a_table"]),
        ("a.xyz", bytes(range(256)) * 20, ["file: not_a_table"]),
        ("a.json", b"\x80\x05pickle", ["file: runs_code"]),
        ("a.pt", b"PK", ["file: runs_code"]),
        ("a.jsonl.gz", gzip.compress(b'{"a":1}\n' + bytes(40_000_000), mtime=0),
         [{"a": 1}, "file: unpacks_too_much"]),
    ],
)  # fmt: skip
def test_what_ends_a_file_is_one_reject_that_names_it(
    name: str, data: bytes, expected: list[object], tmp_path: Path
) -> None:
    assert read(write(tmp_path / name, data)) == expected


def test_csv_keeps_to_its_rows_where_quotes_are_broken(tmp_path: Path) -> None:
    text = b'q,a\r\n1,"x, ""y"""\r\n2,"two\nlines"\n3,"open\n4,z\n\n5,\xff\n6,a,b\n7,\n"8"x,y\n'
    assert read(write(tmp_path / "a.csv", text)) == [
        {"q": "1", "a": 'x, "y"'},
        {"q": "2", "a": "two\nlines"},
        "bad_quotes",
        {"q": "4", "a": "z"},
        "not_utf8",
        "wrong_columns",
        {"q": "7", "a": None},
        "bad_quotes",
    ]


@pytest.mark.parametrize(
    ("name", "text"), [("a.tsv", "q\ta\n1\tx\n"), ("a.csv", "q;a\n1;x\n"), ("b.csv", "q\ta\n1\tx")]
)
def test_other_separators_are_seen(name: str, text: str, tmp_path: Path) -> None:
    assert read(write(tmp_path / name, text)) == [{"q": "1", "a": "x"}]


TABLE = pa.table(
    {
        "n": [1.5, float("nan")],
        "s": [{"x": [1, 2], "b": b"\0"}, None],
        "t": pa.array([0, None], pa.timestamp("s")),
    }
)
PLAIN = [
    {"n": 1.5, "s": {"x": [1, 2], "b": b"\0"}, "t": "1970-01-01 00:00:00"},
    {"n": None, "s": None, "t": None},
]


def test_columns_come_as_plain_data_from_parquet_and_arrow(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "a.parquet")
    feather.write_feather(TABLE, str(tmp_path / "a.feather"))
    with ipc.new_stream(str(tmp_path / "a.arrow"), TABLE.schema) as stream:
        stream.write_table(TABLE)
    for name in ("a.parquet", "a.feather", "a.arrow"):
        assert read(tmp_path / name) == PLAIN


def test_an_arrow_stream_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    with ipc.new_stream(str(path), TABLE.schema) as stream:
        stream.write_table(TABLE)
        stream.write_table(TABLE)
    data = path.read_bytes()
    assert read(write(path, data[: len(data) * 3 // 4])) == [*PLAIN, "file: damaged_file"]


def test_a_folder_that_datasets_saved_gives_names_for_labels_and_media_as_bytes(
    tmp_path: Path,
) -> None:
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, Value
    from extracts import png

    kinds = Features({"q": Value("string"), "l": ClassLabel(names=["cat", "dog"]), "i": Image()})
    data = {"q": ["a"], "l": [1], "i": [{"bytes": png(), "path": "a.png"}]}
    saved = Dataset.from_dict(data, features=kinds)
    DatasetDict(train=saved, test=saved).save_to_disk(str(tmp_path / "both"))
    expected = {"q": "a", "l": "dog", "i": {"bytes": png(), "path": "a.png"}}
    assert read(tmp_path / "both") == [{"_key": s, **expected} for s in ("train", "test")]
    assert read(tmp_path / "both/test") == [expected]


def test_a_saved_folder_may_not_lead_out_of_itself(tmp_path: Path) -> None:
    write(tmp_path / "a/state.json", json.dumps({"_data_files": [{"filename": "../../x.arrow"}]}))
    assert read(tmp_path / "a") == ["file: outside_corpus"]
