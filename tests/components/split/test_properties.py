"""Whatever the records: each comes out once, no group is on two splits, nothing earlier moves."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from components.__main__ import main
from components.records.record import Record, write_records
from tests.components.split.conftest import SPLITS, Split
from tests.components.split.documents import document
from tests.support.records import ner_tasks

rows = st.lists(
    st.tuples(
        st.text("ab \u00e9", min_size=1, max_size=4),
        st.sampled_from(["", "p1", "p2", "p3", "p4"]),
        st.lists(st.sampled_from("XYZ"), max_size=2),
    ),
    max_size=25,
)


def split(folder: Path, name: str, records: list[Record], previous: str = "") -> Split:
    source = folder / f"{name}.jsonl"
    write_records(source, records)
    out = folder / name
    arguments = [f"--{split}-set={out / split}.jsonl" for split in SPLITS]
    arguments += [f"--assignment={out}/assignment.json", f"--split-report={out}/report.json"]
    arguments += [f"--previous={previous}", '--settings={"group_by": "meta.page"}']
    arguments += [f"--annotations={source}", "--tasks", ner_tasks(list("XYZ"))]
    assert main(["split", *arguments]) == 0
    return Split(out)


def groups(records: list[Record]) -> list[set[str]]:
    """Sources that must stay together, by joining until nothing joins any more."""
    merged: list[tuple[set[str], set[str]]] = []
    for record in records:
        keys = {"text " + " ".join(record.text.split())}
        keys |= {f"page {record.meta['page']}"} if record.meta["page"] else set()
        members = {record.source}
        for one in [one for one in merged if one[0] & keys]:
            keys |= one[0]
            members |= one[1]
            merged.remove(one)
        merged.append((keys, members))
    return [members for _, members in merged]


@settings(deadline=None, max_examples=60)
@given(rows, st.integers(0, 25))
def test_any_records(given_rows: list[tuple[str, str, list[str]]], known: int) -> None:
    records = [
        document(text, labels, {"page": page}, number=number)
        for number, (text, page, labels) in enumerate(given_rows)
    ]
    with tempfile.TemporaryDirectory() as name:
        first = split(Path(name), "first", records[:known])
        second = split(Path(name), "second", records, str(first.assignment))
        before, after = first.split_of, second.split_of
        report = second.report
    assert set(after) == {record.source for record in records}
    for members in groups(records):
        splits = {after[source] for source in members}
        assert len(splits) == 1
        earlier = {before[source] for source in members if source in before}
        if len(earlier) == 1:
            assert splits == earlier
    moved = sum(after[source] != split for source, split in before.items())
    assert report["stability"]["moved"] >= moved
    assert report["groups"]["leaked"] == 0
