"""Damaged exports of every format: each record is kept, skipped or refused, and nothing breaks.

RETRAIN_FUZZ says how many of each format: RETRAIN_FUZZ=500 pytest …
"""

from __future__ import annotations

import json
import os
import random

import pytest

from components.ingest.settings import IngestSettings
from tests.components.ingest.test_exports import EXPORTS
from tests.components.ingest.test_files import REGIONS, TEXT, WEBANNO, zipped
from tests.components.ingest.test_properties import FILES, SPLICES, check_all, collect

MUTATIONS = int(os.environ.get("RETRAIN_FUZZ", "15"))
CONLL_U = "# sent_id = 1\n" + "".join(
    f"{n}\t{word}\t_\tX\t_\t_\t0\t_\t_\tname={tag}|SpaceAfter=No\n"
    for n, word, tag in ((1, "Ada", "B-PERSON"), (2, "Byron", "I-PERSON"), (3, "left", "O"))
)
SAMPLES: dict[str, bytes] = {
    **{
        f"{n:02} {name}": f"{json.dumps(one)}\n".encode() * 2
        for n, (name, one) in enumerate(EXPORTS)
    },
    **{
        f"{n:02} {name} array": json.dumps([one, one], indent=1).encode()
        for n, (name, one) in enumerate(EXPORTS)
        if isinstance(one, dict)
    },
    **{f"file {name}": content for name, content in FILES.items()},
    "conll-u": CONLL_U.encode() * 2,
    "germeval": b"#\thttp://x [2009]\n1\tAda\tB-ORG\tO\n2\tleft\tO\tO\n\n1\tByron\tB-ORG\tO\n",
    "csv": f"text,start,end,label\n{TEXT},0,9,ORG\n{TEXT},15,19,ORG\n".encode(),
    "csv of json": f"text\tlabel\n{TEXT}\t{json.dumps(REGIONS)}\n".encode(),
    "csv of words": b"Sentence #,Word,POS,Tag\nS 1,Ada,N,B-ORG\n,left,V,O\nS 2,Byron,N,O\n",
    "webanno": WEBANNO.encode(),
    "zip": zipped(a="Ada B-ORG\n", b=json.dumps({"text": TEXT, "label": [[0, 9, "ORG"]]})),
}
PIECES = [
    *SPLICES,
    b"\t",
    b"|",
    b"-",
    b"#",
    b"_",
    b"O",
    b"PK\x03\x04",
    b"[[0",
    b"null,",
    b"\x85",
    b"1e5",
]


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_exports_are_accounted_for(name: str) -> None:
    chance = random.Random(name)
    for _ in range(MUTATIONS):
        content = bytearray(SAMPLES[name])
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(content) + 1)
            cut = chance.choice([0, 1, 1, 2, 5, 40])
            content[place : place + cut] = chance.choice(PIECES)
        check_all(*collect(bytes(content), IngestSettings()))
