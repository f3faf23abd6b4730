#!/usr/bin/env bash
# The first hour: from an export to a model in production, a corrected label, a model that the gate
# holds back, and a way back. Takes the export; tests/e2e/test_first_hour.py runs it.
#
#     docs/examples/first-hour.sh annotations.jsonl
#
# What is in OPTIONS goes to `retrain run`.
set -euo pipefail
export PS4='$ '
export_file=$1
read -r -a options <<< "${OPTIONS:-}"
set -x

# A config with the labels of the export, and is it right?
retrain init "$export_file"
retrain check

# The first model: nothing to beat, so it goes into production.
retrain run "${options[@]}"

# Somebody corrects annotations: every first entity of a text that is a DATE was none.
python - "$export_file" << 'PYTHON'
import json, sys
from pathlib import Path

path = Path(sys.argv[1])
records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
for record in records:
    spans = record.get("spans") or []
    if spans and spans[0].get("label") == "DATE":
        record["spans"] = spans[1:]
path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
PYTHON

# The gate now asks for more than any model has: the new one is kept, and held back.
retrain run "${options[@]}" --set 'phases.annotations.gate={mode: enforce, min_f: 1.0}'

# What differs from the first run, and what is there now.
{ set +x; } 2> /dev/null
runs=(runs/*-annotations)
first=$(basename "${runs[0]}")
set -x
retrain compare "$first" latest
retrain runs list
retrain models list

# Into production all the same; and back, since it was no good idea.
retrain models promote ner-annotations 2
retrain models rollback ner-annotations
retrain
