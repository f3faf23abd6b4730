"""SECURITY.md, sentence by sentence: what shows each, and what no other test shows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.records.sources import SourceFile, copy_files
from pipelines.cli.serve import serve as command
from tests.pipelines.local.runner.pieces import run
from tests.pipelines.local.runner.test_cache import chain

ROOT = Path(__file__).parents[1]
IMAGES = ("cpu", "gpu", "serve")

# The first words of a row or a promise -> the tests that show it.
SHOWN_BY = {
    "Annotations, and texts": [
        "tests/components/ingest/test_bad_input.py::test_a_record_over_the_limit_stops_at_its_line",
        "tests/components/ingest/test_bad_input.py::test_a_packed_file_that_unpacks_to_far_more_than_it_is_stops",
        "tests/components/ingest/test_bad_input.py::test_a_damaged_docbin_stops",
        "tests/components/test_sources.py::test_what_is_no_file_is_refused_by_its_kind",
        "tests/components/ingest/test_stage.py::test_text_from_the_data_is_escaped",
        "tests/components/html/test_page.py::test_text_is_escaped_wherever_it_stands",
        "tests/fuzz/test_fuzz.py::test_damaged_records_are_kept_skipped_or_refused_and_counted",
    ],
    "A config file": [
        "tests/pipelines/config/test_yaml_text.py::test_scalars_are_yaml_1_2",
        "tests/pipelines/config/test_load.py::test_a_mistake_is_named",
        "tests/pipelines/config/test_load.py::test_code_is_read_and_a_missing_or_long_one_is_named",
    ],
    "A model": [
        "tests/containers/test_process.py::test_a_bundle_may_not_reach_out_of_its_folder",
        "tests/pipelines/results/test_served.py::test_a_damaged_model_is_not_served",
        "tests/components/registry/test_local.py::test_damage_is_found",
        "tests/vertex/test_registry.py::test_a_damaged_model_is_found",
        "tests/vertex/test_registry.py::test_a_model_with_a_serving_image_can_be_deployed",
    ],
    "Base transformer weights": [
        "tests/containers/test_base_models.py::test_a_listed_model_is_fetched_and_checked",
        "tests/containers/test_base_models.py::test_another_file_than_the_listed_one_stops_the_build",
        "tests/containers/test_base_models.py::test_a_model_that_nothing_pins_is_not_fetched",
    ],
    "Python packages": [
        "tests/scripts/test_lock.py::test_every_pin_has_a_hash_and_no_address",
        "tests/test_security.py::test_packages_are_installed_by_hash",
        "tests/test_security.py::test_the_build_looks_for_advisories_and_writes_a_bill_of_materials",
    ],
    "Images ": [
        "tests/test_security.py::test_an_image_starts_from_a_digest_and_ends_as_a_numeric_user",
        "tests/pipelines/config/test_image_lock.py::test_every_stage_and_the_server_run_locked_images",
        "tests/test_security.py::test_the_build_looks_for_advisories_and_writes_a_bill_of_materials",
    ],
    "The server's image runs": [
        "tests/test_security.py::test_an_image_starts_from_a_digest_and_ends_as_a_numeric_user",
        "tests/pipelines/local/test_containers.py::test_docker_gets_a_read_only_root_and_no_root_user",
    ],
    "The server has no route": [
        "tests/containers/test_contract.py::test_a_wrong_body_gets_422_that_says_where",
        "tests/containers/test_contract.py::test_the_page_is_there_when_asked_for",
        "tests/containers/test_contract.py::test_what_is_over_a_limit_is_refused_by_its_name",
        "tests/containers/test_guards.py::test_a_body_that_is_too_large_gets_its_answer_before_the_connection_ends",
        "tests/containers/test_guards.py::test_a_body_that_does_not_come_ends_with_408",
        "tests/containers/test_batcher.py::test_what_would_take_too_long_is_refused_and_a_little_never_is",
        "tests/containers/test_batcher.py::test_a_short_text_overtakes_long_ones",
        "tests/fuzz/test_fuzz.py::test_hostile_requests_are_answered",
    ],
    "No secret": [
        "tests/pipelines/dag/test_notifications.py::test_a_failure_and_a_hold_are_reported_and_neither_stops_the_other",
        "tests/components/notify/test_command.py::test_what_nobody_takes_is_an_error_that_tells_no_secret",
        "tests/components/notify/test_command.py::test_what_names_no_address_is_refused_and_not_repeated",
        "tests/test_security.py::test_what_looks_like_a_secret_is_refused_in_ci",
    ],
    "The server's logs": [
        "tests/containers/test_contract.py::test_metrics_and_logs_count_and_never_hold_a_text",
        "tests/containers/test_contract.py::test_a_text_that_a_model_cannot_bear_fails_alone_and_unquoted",
    ],
    "On your own machine": [
        "tests/test_security.py::test_retrain_serve_listens_to_its_own_machine",
        "tests/containers/test_guards.py::test_a_server_for_its_own_machine_answers_to_no_other_name",
    ],
    "Files are written": [
        "tests/test_security.py::test_nothing_is_opened_wider_than_the_umask_allows"
    ],
}


def section(title: str) -> str:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def sentences() -> Iterator[str]:
    """The rows of the table and the promises."""
    rows = re.findall(r"^\| (.+)$", section("What can be trusted, and what not"), re.M)
    yield from rows[2:]
    yield from re.findall(r"^- (.+)$", section("What we promise"), re.M)


def test_every_sentence_has_its_test() -> None:
    used = set()
    for sentence in sentences():
        keys = [key for key in SHOWN_BY if sentence.startswith(key)]
        assert keys, sentence
        used |= {*keys}
    assert used == {*SHOWN_BY}
    for named in {test for tests in SHOWN_BY.values() for test in tests}:
        path, _, test = named.partition("::")
        assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), named


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_starts_from_a_digest_and_ends_as_a_numeric_user(image: str) -> None:
    text = (ROOT / f"containers/{image}/Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", text, re.M)
    assert {*re.findall(r"^FROM (\S+)", text, re.M)} <= {"scratch", "${BASE}", "build", "run"}
    user = re.findall(r"^USER (\d+):\d+$", text, re.M)[-1]
    assert int(user) > 0


def test_packages_are_installed_by_hash() -> None:
    for image in IMAGES:
        text = (ROOT / f"containers/{image}/Dockerfile").read_text(encoding="utf-8")
        commands = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ").splitlines()
        installs = [command for command in commands if re.search(r"\bpip\b.* install ", command)]
        assert installs
        for install in installs:
            assert "--require-hashes" in install or "--no-deps" in install, install
            assert "--only-binary=:all:" in install or "--no-index" in install, install
    setup = (ROOT / "scripts/setup.sh").read_text(encoding="utf-8")
    for line in re.findall(r"^.*\$(?:install|pip install).* -r .*$", setup, re.M):
        assert "--require-hashes" in line, line


def test_the_build_looks_for_advisories_and_writes_a_bill_of_materials() -> None:
    build = (ROOT / "containers/cloudbuild.yaml").read_text(encoding="utf-8")
    assert "scripts/audit.py requirements/" in build
    assert "cyclonedx-py requirements" in build
    assert '"--strict"' in (ROOT / "scripts/audit.py").read_text(encoding="utf-8")


def test_what_looks_like_a_secret_is_refused_in_ci() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lint = makefile.split("\nlint:")[1].split("\n\n")[0]
    files = "git ls-files -z ':!requirements' ':!tests/first_release'"
    assert f"{files} | xargs -0 $(BIN)/detect-secrets-hook" in lint
    assert "make lint" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_retrain_serve_listens_to_its_own_machine() -> None:
    assert "127.0.0.1" in (command.__defaults__ or ())


def test_nothing_is_opened_wider_than_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert run(chain(), tmp_path).exit_code == 0
        source = tmp_path / "annotations.jsonl"
        source.write_text("{}", encoding="utf-8")
        source.chmod(0o644)
        (tmp_path / "runs/snapshot").mkdir()
        copy_files([SourceFile(str(source), "auto")], tmp_path / "runs/snapshot")
    finally:
        os.umask(before)
    paths = [*(tmp_path / "runs").rglob("*")]
    assert len(paths) > 10
    assert [path for path in paths if path.lstat().st_mode & 0o077 and not path.is_symlink()] == []
