"""Names of the files that a registry keeps beside a model."""

from __future__ import annotations

MANIFEST = "manifest.json"
LINEAGE = "lineage.json"
REPORT = "report.html"
MODEL_CARD = "MODEL_CARD.md"
FACTS = "facts.json"
ASSIGNMENT = "assignment.json"
EXAMPLES = "examples.json"
AUDIT = "audit.json"
SCORES = "scores.json"
GATE_DECISION = "gate_decision.json"
