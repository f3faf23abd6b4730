"""The data report as JSON: all that the page, the console and later stages say about the data."""

from __future__ import annotations

from collections import Counter
from typing import Any

from components.ingest.collect import Collector, Counts
from components.ingest.coverage import Coverage
from components.ingest.settings import IngestSettings
from components.records.problems import KINDS, Note, Policy, Problem, Problems

Report = dict[str, Any]
VERSION = 3  # 1 had the labels of the one task where `tasks` is, 2 a `verdict` for `status`


def make_report(collector: Collector, coverage: Coverage, digest: str) -> Report:
    """Check the whole and return the report; `status` is "fit", "warnings" or "unfit"."""
    counts, problems, settings = collector.counts, collector.problems, collector.settings
    fraction = fraction_of(counts.quarantined, counts)
    check_quarantine(counts, settings, problems)
    coverage.check(settings, collector.labels, problems, why_none_kept(counts))
    return {
        "version": VERSION,
        "status": status(problems),
        "reasons": reasons(problems),
        "digest": digest,
        "records": record_counts(counts),
        "skipped": dict(counts.skipped.most_common()),
        "quarantined": dict(counts.quarantined.most_common()),
        "quarantined_fraction": fraction,
        "max_quarantined": settings.max_quarantined,
        "sources": dict(counts.by_source),
        "problems": [
            {
                "class": problem.kind,
                "policy": problem.policy.value,
                "title": KINDS[problem.kind].title,
                "action": KINDS[problem.kind].action,
                "count": problem.count,
                "first": problem.first,
                "examples": problem.examples,
            }
            for problem in problems.sorted()
        ],
        **coverage.report(collector.agreement, collector.labels, counts.of_tasks),
    }


def fraction_of(reasons: Counter[str], counts: Counts) -> float:
    """How many of the records are in quarantine for some reasons, 0 to 1."""
    return reasons.total() / counts.read if counts.read else 0.0


def why_none_kept(counts: Counts) -> str:
    """Why no record was kept; "" where some were."""
    if counts.kept:
        return ""
    if not counts.read:
        return "the annotations hold no record"
    reasons = (counts.skipped + counts.quarantined).most_common()
    why = ", ".join(f"{reason}: {number}" for reason, number in reasons)
    return f"none of {counts.read} records was kept ({why})"


def record_counts(counts: Counts) -> dict[str, int]:
    return {
        "in": counts.read,
        "kept": counts.kept,
        "skipped": sum(counts.skipped.values()),
        "quarantined": sum(counts.quarantined.values()),
    }


def check_quarantine(counts: Counts, settings: IngestSettings, problems: Problems) -> None:
    """Stop where too many records are left out, or too many answers to one task."""
    left_out = {"": counts.quarantined}
    left_out |= {name: counts.quarantined + more for name, more in counts.of_tasks.items()}
    for task, reasons in left_out.items():
        fraction = fraction_of(reasons, counts)
        if fraction <= settings.max_quarantined:
            continue
        why = ", ".join(f"{number} {kind}" for kind, number in reasons.most_common(3))
        detail = (
            f"{fraction:.1%} of the records ({why}); `max_quarantined` is "
            f"{settings.max_quarantined:.1%}"
        )
        problems.add(task, Note("too_many_quarantined", detail))
        if not task:  # and so of every task
            return


def status(problems: Problems) -> str:
    if problems.with_policy(Policy.STOP):
        return "unfit"
    return "warnings" if problems.with_policy(Policy.WARN) else "fit"


def reasons(problems: Problems) -> list[str]:
    """One sentence for each problem that stops the run."""
    return [sentence(problem) for problem in problems.with_policy(Policy.STOP)]


def sentence(problem: Problem) -> str:
    """What it is, where it was met, what it says there, and what to do."""
    kind = KINDS[problem.kind]
    where = f" ({', '.join(problem.first)})" if problem.first else ""
    details = "; ".join(dict.fromkeys(e["detail"] for e in problem.examples if e["detail"]))
    what = f"{kind.title}{where}: {details}".rstrip(": ")
    unseen = problem.count - max(len(problem.first), len(problem.examples))
    more = f" (and {unseen} more)" if unseen > 0 else ""
    return f"{what}{more}. {kind.action}"
