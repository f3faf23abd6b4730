"""Entities whose edges are no edges of spaCy's tokens, by tokeniser: they can't be learnt.

    python -m bench.alignment FOLDER --language da

FOLDER holds exports of Prodigy's ner.manual or spans.manual: train.jsonl, dev.jsonl, test.jsonl or
some of them. The table of docs/languages.md is made of it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.stages import SPLITS, rows
from components.convert.alignment import aligned


def main() -> None:
    """Count for the tokeniser of the language, that of several and that of English."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", default="en")
    args = parser.parse_args()
    spans = [
        (row["text"], span["start"], span["end"])
        for split in SPLITS
        if (args.folder / f"{split}.jsonl").is_file()
        for row in rows(args.folder, split)
        for span in row.get("spans", ())
    ]
    for language in dict.fromkeys((args.language, "xx", "en")):
        faults = [span for span in spans if not aligned(*span, language)]
        fraction = len(faults) / max(1, len(spans))
        print(f"{args.folder.name}, {language}: {len(faults)} of {len(spans):,}, {fraction:.2%}")
        for text, start, end in faults[:5]:
            print(f"    {text[start:end]!r} in {text[max(0, start - 9) : end + 9]!r}")


if __name__ == "__main__":
    main()
