"""The local runner on real specs, with real processes.

No `from __future__ import annotations` here: kfp reads the types of components.
"""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kfp import dsl

from components.errors import ConfigError
from tests.pipelines.local.runner.pieces import (
    APPEND,
    RETURN,
    WRITE,
    Listener,
    change,
    compiled,
    decide,
    run,
    states,
    text_of,
    write,
)

SLEEP = WRITE + "; time.sleep(5)"


def phase(name: str, code: str, last: str = APPEND) -> Any:
    """A sub-pipeline of two tasks in a row."""

    @dsl.pipeline(name=name)
    def branch(text: str) -> NamedTuple("Made", [("made", dsl.Dataset)]):
        first = write(code=code, text=text).set_display_name("first")
        second = change(code=last, source=first.outputs["made"]).set_display_name("second")
        return NamedTuple("Made", [("made", dsl.Dataset)])(second.outputs["made"])

    return branch


def two_phases(one: Any, two: Any) -> Any:
    @dsl.pipeline(name="both")
    def both(text: str = "text") -> None:
        one(text=text)
        two(text=text)

    return both


def test_values_travel_through_branches(tmp_path: Path) -> None:
    one, two = phase("phase-1", WRITE), phase("phase-2", WRITE)

    @dsl.pipeline(name="p")
    def pipeline(text: str = "a") -> None:
        made = one(text=text)
        two(text=f"{text}-{{}}-b")
        change(code=APPEND, source=made.outputs["made"]).set_display_name("join")

    result = run(pipeline, tmp_path)
    assert result.exit_code == 0
    assert text_of(result, "join") == "a++"
    assert text_of(result, "phase-2/second") == "a-{}-b+"
    assert set(states(result).values()) == {"succeeded"}


def test_parameters_of_the_run(tmp_path: Path) -> None:
    pipeline = two_phases(phase("phase-1", WRITE), phase("phase-2", WRITE))
    assert text_of(run(pipeline, tmp_path, parameters={"text": "x"}), "phase-1/second") == "x+"
    with pytest.raises(ConfigError, match=r"no parameter.*txt"):
        run(pipeline, tmp_path, parameters={"txt": "x"})
    with pytest.raises(ConfigError, match="'text': expected STRING, got 3"):
        run(pipeline, tmp_path, parameters={"text": 3})


def test_branches_run_at_the_same_time(tmp_path: Path) -> None:
    spec = compiled(two_phases(phase("phase-1", SLEEP), phase("phase-2", SLEEP + " ")))
    result = run(spec, tmp_path, workers=2)
    one, two = (result.record.tasks[f"phase-{number}/first"] for number in (1, 2))
    assert one.started and two.started and one.ended and two.ended
    assert max(one.started, two.started) < min(one.ended, two.ended)


def test_one_worker_runs_one_task_at_a_time(tmp_path: Path) -> None:
    quick = WRITE + "; time.sleep(0.2)"
    result = run(two_phases(phase("a", quick), phase("b", quick)), tmp_path, workers=1)
    spans = sorted((task.started, task.ended) for task in result.record.tasks.values())
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_cores_are_shared_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.local.run.available_cores", lambda: 9)
    show = "pathlib.Path(a[1]).write_text(os.environ['OMP_NUM_THREADS'])"
    pipeline = two_phases(phase("a", show), phase("b", show))
    assert text_of(run(pipeline, tmp_path), "a/first") == "4"
    assert text_of(run(pipeline, tmp_path, phases=["a"], use_cache=False), "a/first") == "9"
    assert text_of(run(pipeline, tmp_path, workers=1, use_cache=False), "b/first") == "9"


def test_a_failed_branch_leaves_the_other_running(tmp_path: Path) -> None:
    fails = "print('what is wrong'); sys.exit(3)"
    slow = WRITE + "; time.sleep(1)"
    result = run(two_phases(phase("bad", fails), phase("good", slow)), tmp_path, workers=2)
    assert result.exit_code == 3
    assert states(result) == {
        "bad/first": "failed",
        "bad/second": "not-run",
        "good/first": "succeeded",
        "good/second": "succeeded",
    }
    (failure,) = result.failures
    assert failure.task.task == "bad/first"
    assert failure.tail == ["what is wrong"]
    assert failure.log == result.path / "logs/bad.first.log"


@pytest.mark.parametrize(("code", "kept"), [(1, False), (2, False), (3, True), (4, True)])
def test_only_a_stage_that_refuses_keeps_what_it_wrote(
    tmp_path: Path, code: int, kept: bool
) -> None:
    """Its outputs say what a person must fix: quarantined records, a gate_decision."""

    @dsl.pipeline(name="p")
    def pipeline():
        write(code=f"{WRITE}; sys.exit({code})", text="")

    result = run(pipeline, tmp_path)
    assert (result.path / "write/made").exists() == kept
    assert not result.record.tasks["write"].artifacts


@pytest.mark.parametrize(("code", "exit_code"), [(1, 1), (2, 2), (5, 5), (77, 1)])
def test_exit_codes(tmp_path: Path, code: int, exit_code: int) -> None:
    pipeline = two_phases(phase("bad", f"sys.exit({code})"), phase("good", WRITE))
    result = run(pipeline, tmp_path)
    assert result.exit_code == exit_code
    assert result.record.tasks["bad/first"].exit_code == code


@pytest.mark.parametrize(
    ("code", "note"),
    [
        ("print('\\x1b[31mred\\x1b[0m\\tbad'); sys.exit(1)", "redbad"),
        ("print('x' * 5000); sys.exit(1)", "x" * 300),
        ("sys.exit(1)", "exit code 1"),
        ("os.kill(os.getpid(), 9)", "killed, as happens when the machine's memory runs out"),
        ("os.kill(os.getpid(), 11)", "ended by SIGSEGV"),
    ],
)
def test_why_a_task_failed(tmp_path: Path, code: str, note: str) -> None:
    @dsl.pipeline(name="p")
    def pipeline():
        write(code=code, text="")

    assert run(pipeline, tmp_path).record.tasks["write"].note == note


def test_a_program_that_is_missing_fails_its_task(tmp_path: Path) -> None:
    @dsl.container_component
    def missing():
        return dsl.ContainerSpec(image="test", command=["no-such-program"], args=[])

    @dsl.pipeline(name="p")
    def pipeline() -> None:
        missing()

    result = run(pipeline, tmp_path)
    assert result.exit_code == 1
    assert "no-such-program" in result.record.tasks["missing"].note


def test_retries_only_what_may_get_better(tmp_path: Path) -> None:
    counts = (
        "p = pathlib.Path('{}'); p.open('a').write('x')\nif len(p.read_text()) < 3: sys.exit({})\n"
    )

    @dsl.pipeline(name="p")
    def pipeline() -> None:
        fault = write(code=counts.format("fault", 1) + WRITE, text="").set_display_name("fault")
        fault.set_retry(2, backoff_duration="0s")
        data = write(code=counts.format("data", 3) + WRITE, text="").set_display_name("data")
        data.set_retry(2, backoff_duration="0s")
        short = write(code=counts.format("short", 1), text="").set_display_name("short")
        short.set_retry(1, backoff_duration="0s")

    result = run(pipeline, tmp_path)
    tasks = result.record.tasks
    assert {name: (task.state, task.attempts) for name, task in tasks.items()} == {
        "fault": ("succeeded", 3),
        "data": ("failed", 1),
        "short": ("failed", 2),
    }
    log = (result.path / "logs/fault.log").read_text(encoding="utf-8")
    assert log.count("--- attempt ") == 3


@pytest.mark.parametrize(
    ("text", "ran"), [("promote", "promoted"), ("four", "long"), ("no", "otherwise")]
)
def test_conditions(tmp_path: Path, text: str, ran: str) -> None:
    @dsl.pipeline(name="p")
    def pipeline(text: str) -> None:
        gate_decision = decide(code=RETURN, text=text)
        with dsl.If(gate_decision.outputs["decision"] == "promote"):
            write(code=WRITE, text="").set_display_name("promoted")
        with dsl.Elif(gate_decision.outputs["number"] > 3):
            write(code=WRITE, text="").set_display_name("long")
        with dsl.Else():
            write(code=WRITE, text=f"{text}!").set_display_name("otherwise")

    result = run(pipeline, tmp_path, parameters={"text": text})
    assert result.exit_code == 0
    ended = {name.rpartition("/")[2]: state for name, state in states(result).items()}
    others = {"promoted", "long", "otherwise"} - {ran}
    assert ended == {"decide": "succeeded", ran: "succeeded", **dict.fromkeys(others, "skipped")}


def test_what_comes_after_a_skipped_task_is_skipped(tmp_path: Path) -> None:
    @dsl.pipeline(name="p")
    def pipeline(text: str = "") -> None:
        with dsl.If(text == "yes"):
            first = write(code=WRITE, text="").set_display_name("first")
            change(code=APPEND, source=first.outputs["made"]).set_display_name("second")

    assert set(states(run(pipeline, tmp_path)).values()) == {"skipped"}


def test_a_task_that_runs_however_the_others_ended(tmp_path: Path) -> None:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        cleanup = write(code=WRITE, text="clean").set_display_name("cleanup")
        with dsl.ExitHandler(cleanup):
            write(code="sys.exit(1)", text="").set_display_name("work")

    result = run(pipeline, tmp_path)
    assert result.exit_code == 1
    assert result.record.tasks["cleanup"].state == "succeeded"


def test_executor_input_and_output(tmp_path: Path) -> None:
    """What KFP promises to a container: the executor input, and the executor output read back."""

    @dsl.container_component
    def rich(
        number: int,
        fraction: float,
        flag: bool,
        items: list,
        table: dict,
        source: dsl.Input[dsl.Dataset],
        made: dsl.Output[dsl.Dataset],
        scores: dsl.Output[dsl.Metrics],
        flags: dsl.OutputPath(bool),
        lists: dsl.OutputPath(list),
    ):
        code = """
words, given = a[:-1], json.loads(a[-1])
pathlib.Path(words[7]).write_text('True')
pathlib.Path(words[8]).write_text('[1, 2]')
pathlib.Path('elsewhere').mkdir()
(pathlib.Path('elsewhere') / 'seen.json').write_text(json.dumps([words, given]))
out = given['outputs']
model = dict(out['artifacts']['made']['artifacts'][0], uri='elsewhere')
metrics = dict(out['artifacts']['scores']['artifacts'][0], metadata={'f': 0.5})
pathlib.Path(words[9]).write_text(json.dumps({'artifacts': {
    'made': {'artifacts': [model]}, 'scores': {'artifacts': [metrics]}}}))
"""
        return dsl.ContainerSpec(
            image="test",
            command=["python", "-c", f"import json, pathlib, sys; a = sys.argv[1:]\n{code}"],
            args=[
                number,
                fraction,
                flag,
                items,
                table,
                f"{source.path}|{source.uri}",
                made.path,
                flags,
                lists,
                dsl.PIPELINE_TASK_EXECUTOR_OUTPUT_PATH_PLACEHOLDER,
                dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
                dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
            ],
        )

    read = "(p := pathlib.Path(a[1])).write_text((pathlib.Path(a[0]) / 'seen.json').read_text())"

    @dsl.pipeline(name="p")
    def pipeline() -> None:
        first = write(code=WRITE, text="data")
        given = rich(
            number=3,
            fraction=2.0,
            flag=True,
            items=[1, "zwei", 0.5],
            table={"k": 1, "ü": "ö"},
            source=first.outputs["made"],
        )
        change(code=read, source=given.outputs["made"])

    result = run(pipeline, tmp_path)
    assert result.exit_code == 0, result.failures
    words, given = json.loads(text_of(result, "change"))
    path = str(result.path / "write/made")
    assert words[:2] == ["3", "2"] and words[2] == "true"
    assert json.loads(words[3]) == [1, "zwei", 0.5] and "1.0" not in words[3]
    assert words[4] == '{"k": 1, "ü": "ö"}'
    assert words[5] == f"{path}|{path}"
    assert words[6] == str(result.path / "rich/made")
    assert words[10] == result.run_id
    assert given["inputs"]["parameterValues"]["table"] == {"k": 1, "ü": "ö"}
    assert given["inputs"]["artifacts"]["source"]["artifacts"] == [
        {
            "name": "made",
            "type": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
            "uri": path,
            "metadata": {},
        }
    ]
    task = result.record.tasks["rich"]
    assert task.parameters == {"flags": True, "lists": [1, 2]}
    assert task.artifacts["scores"].metadata == {"f": 0.5}
    assert task.artifacts["made"].uri == str(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("pass", "did not return its output parameter 'decision'"),
        (RETURN.replace("'number': len(a[0])", "'number': 'x'"), "expected NUMBER_INTEGER"),
        (RETURN.replace("'number'", "'other'"), "returned 'other'"),
        (RETURN.replace("json.dumps(", "str("), "not an executor output file"),
    ],
)
def test_a_task_that_breaks_its_promise_fails(tmp_path: Path, code: str, message: str) -> None:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        decide(code=code, text="x")

    result = run(pipeline, tmp_path)
    assert result.exit_code == 1
    assert message in result.record.tasks["decide"].note


def test_phases_that_are_left_out(tmp_path: Path) -> None:
    pipeline = two_phases(phase("phase-1", WRITE), phase("phase-2", WRITE))
    result = run(pipeline, tmp_path, phases=["phase-2"])
    assert result.exit_code == 0
    assert states(result)["phase-1/first"] == "not-run"
    assert states(result)["phase-2/second"] == "succeeded"
    with pytest.raises(ConfigError, match=r"no phase \['phase-3'\].*phase-1"):
        run(pipeline, tmp_path, phases=["phase-3"])


def test_progress_is_handed_on(tmp_path: Path) -> None:
    code = "pathlib.Path(os.environ['RETRAIN_PROGRESS']).write_text('{\"step\": 7}'); time.sleep(3)"

    @dsl.pipeline(name="p")
    def pipeline() -> None:
        write(code=f"{WRITE}; {code}", text="")

    listener = Listener()
    result = run(pipeline, tmp_path, listener)
    assert {"step": 7} in listener.progress
    assert listener.changes == [("write", "running"), ("write", "succeeded"), ("", "succeeded")]
    assert [path.name for path in (result.path / "write").iterdir()] == ["made"]


def test_folders_with_spaces_and_other_letters(tmp_path: Path) -> None:
    folder = tmp_path / "läuft {$x} 'so' $HOME"
    folder.mkdir()
    result = run(two_phases(phase("phase-1", WRITE), phase("phase-2", WRITE)), folder)
    assert text_of(result, "phase-1/second") == "text+"
