"""What only the real service can answer, asked in its first ten minutes."""

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from google.cloud import aiplatform_v1 as v1
from kfp import compiler, dsl

from components.errors import RemoteError
from components.google_cloud import Place, patient
from pipelines.config.load import Loaded
from pipelines.local.runner.listeners import Nobody
from pipelines.services.submission import Submission
from pipelines.services.vertex.runs import VertexRuns
from pipelines.services.watch import watch

# Runs in our images, with Python alone. The first attempt of `again` dies and leaves a mark.
PROBE = """
import json, os, pathlib, sys
name, executor_input, answers = sys.argv[1:]
out = pathlib.Path(json.loads(executor_input)["outputs"]["outputFile"]).parent
out.mkdir(parents=True, exist_ok=True)
mark = out / "first-attempt"
if name == "again" and not mark.exists():
    mark.write_text(str(out))
    os._exit(9)
def tried(what):
    try:
        return what() or "allowed"
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror}"
def of(path):
    status = path.stat()
    return {"owner": status.st_uid, "group": status.st_gid, "mode": oct(status.st_mode)}
def lines(path, *starts):
    text = pathlib.Path(path).read_text(errors="replace").splitlines()
    return [line for line in text if not starts or any(start in line for start in starts)]
probe = out / "probe"
probe.write_text("x")
folder = out / "folder"
folder.mkdir(exist_ok=True)
(folder / "file").write_text("x")
answers_given = {
    "user": [os.getuid(), os.getgid()],
    "mount": lines("/proc/self/mounts", "/gcs"),
    "new file": of(probe), "new folder": of(folder), "outputs": of(out),
    "chmod": tried(lambda: probe.chmod(0o600)),
    "set times": tried(lambda: os.utime(probe, (1, 1))),
    "rename a folder": tried(lambda: folder.rename(out / "renamed") and None),
    "hard link": tried(lambda: os.link(probe, out / "link")),
    "cpus": os.cpu_count(), "memory": lines("/proc/meminfo", "MemTotal"),
    "cpu": sorted(set(lines("/proc/cpuinfo", "model name"))),
    "driver": [str(path) for path in pathlib.Path("/usr/local/nvidia").glob("lib*/libcuda*")],
    "devices": [str(path) for path in pathlib.Path("/dev").glob("nvidia*")],
    "environment": sorted(key for key in os.environ if "TOKEN" not in key),
    "executor input": json.loads(executor_input),
    "mark of a first attempt": mark.read_text() if mark.exists() else "",
}
pathlib.Path(answers).parent.mkdir(parents=True, exist_ok=True)
pathlib.Path(answers).write_text(json.dumps(answers_given, indent=1))
"""


def spec(loaded: Loaded, gpu: str) -> str:
    """A pipeline that looks about: in either image, and in a second attempt.

    Args:
        gpu: accelerator type for the gpu image; '' for none.
    """
    images = loaded.pipeline.images

    def looking(image: str) -> Any:
        @dsl.container_component
        def look(name: str, answers: dsl.Output[dsl.Artifact]) -> dsl.ContainerSpec:
            return dsl.ContainerSpec(
                image=image,
                command=["python", "-c", PROBE],
                args=[name, dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER, answers.path],
            )

        return look

    @dsl.pipeline(name="retrain-questions")
    def questions() -> None:
        for name, image in (("cpu", images.cpu), ("gpu", images.gpu), ("again", images.cpu)):
            task = looking(image)(name=name).set_display_name(name)
            task.set_cpu_limit("8").set_memory_limit("30G")
            if name == "gpu" and gpu:
                task.set_accelerator_type(gpu).set_accelerator_limit(1)
            if name == "again":
                task.set_retry(1)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "questions.yaml"
        compiler.Compiler().compile(questions, str(path))
        return path.read_text(encoding="utf-8")


def asked(loaded: Loaded, gpu: str) -> dict[str, Any]:
    """Run it twice and gather what is known then."""
    assert loaded.pipeline.vertex
    runs = VertexRuns(loaded.pipeline.vertex)
    submission = Submission("retrain-questions", spec(loaded, gpu), {}, data="", commit="")
    answers: dict[str, Any] = {}
    for attempt in ("first run", "second run, of the same"):
        run, _ = runs.submit(submission, force=True)
        with suppress(RemoteError):  # a run that failed has answers, too
            watch(runs, run.id, Nobody())
        ended = runs.get(run.id)
        answers[attempt] = {
            "state": ended.state,
            "tasks": {task.path: [task.state, task.error] for task in ended.tasks},
            "answers": {
                task.path: read(runs.place, uri)
                for task in ended.tasks
                for uri in task.outputs.values()
            },
        }
    answers["labels of two uploads"] = labels(runs.place)
    return answers


def read(place: Place, uri: str) -> Any:
    """What a task found."""
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    blob = place.storage.bucket(bucket).blob(name)
    return json.loads(blob.download_as_bytes()) if blob.exists() else None


def labels(place: Place) -> dict[str, Any]:
    """Whether labels of an upload are the version's or the model's; the model is removed again."""
    service = place.client(v1.ModelServiceClient)
    name = f"{place.name}/models/retrain-questions"
    for number in ("1", "2"):
        model = v1.Model(display_name="retrain-questions", labels={"upload": number})
        first = number == "1"
        request = v1.UploadModelRequest(
            parent=place.name,
            model=model,
            model_id="retrain-questions" if first else "",
            parent_model="" if first else name,
        )
        service.upload_model(request=request).result(timeout=300)
    try:
        versions = service.list_model_versions(name=name, **patient())
        return {version.version_id: dict(version.labels) for version in versions}
    finally:
        service.delete_model(name=name).result(timeout=300)
