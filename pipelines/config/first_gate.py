"""The gate of a first config, by how much there will be to test on."""

from __future__ import annotations

from pipelines.config.profile import DatasetProfile

# From so many entities on, or texts of classes, the 95 % interval of F is usually narrower than the
# gate's own limit, 20 points; from so many on than the wider one. `python -m bench.gate`.
ENOUGH, SOME = 150, 40


def gate_lines(in_test: int | None) -> list[str]:
    """What a model must show.

    Args:
        in_test: about how many entities or texts of classes will be in test; None: not known.
    """
    lines = [
        "    gate:  # what it holds is kept, and production stays as it is: docs/evaluation.md",
        "      min_f: 0.5  # lowest F on test; the next must be better than the one before as well",
    ]
    if in_test is None or in_test >= ENOUGH:
        return lines
    width, then = (0.4, "") if in_test >= SOME else (1, ", which decide little")
    return [
        *lines,
        f"      max_interval: {width}  # of F: about {in_test} in test{then}; 0.2 from {ENOUGH} on",
    ]


def judged(profile: DatasetProfile) -> int:
    """How many entities, or texts of classes, F is about; of several tasks the fewest."""
    spans = [profile.spans.total()] if profile.spans else []
    texts = [profile.accepted] if profile.questions else []
    return min(spans + texts)
