"""The figures of a report."""

from __future__ import annotations

from components.report.figures import training_charts


def test_a_step_without_a_score_leaves_a_gap_in_its_curve() -> None:
    history = [
        {"step": 0, "loss": 3.0, "topic.f": None, "who.f": None},
        {"step": 10, "loss": 2.0, "topic.f": 0.5, "who.f": None},
        {"step": 20, "loss": 1.0, "topic.f": 0.4, "who.f": None},
    ]
    titles = [title for title, _ in training_charts(history)]
    assert titles[1] == "F on the dev documents. The best F: of topic 50.0 at step 10."
    only = [{"step": 0, "loss": 3.0, "f": None}]
    assert [title.split(".")[0] for title, _ in training_charts(only)] == ["Training loss"]
