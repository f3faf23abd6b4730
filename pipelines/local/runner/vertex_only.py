"""What Vertex AI's own components (GCPC) become on this machine.

A custom job is a container on a machine of its own (a spot machine): here its command runs as any
other. An e-mail is sent by Vertex AI itself: here nothing is.

Source: google_cloud_pipeline_components/utils.py, `build_serverless_customjob_container_spec`.
"""

from __future__ import annotations

import json

import msgspec

from components.errors import ConfigError
from pipelines.local.runner.graph import Elsewhere
from pipelines.local.runner.spec import Container, Definitions, EnvironmentVariable

_CUSTOM_JOB = "google_cloud_pipeline_components.container.v1.custom_job.launcher"
_EMAIL = "google_cloud_pipeline_components.container.v1.vertex_notification_email.executor"
# Where the launcher writes which job it has started.
_JOB = "gcp_resources"
# The executor input, escaped once more since the command stands in a JSON text.
_ESCAPED, _PLAIN = "{{$.json_escape[1]}}", "{{$}}"


def here(
    container: Container, outputs: Definitions, where: str
) -> tuple[Container | Elsewhere, Definitions]:
    """What a container of the spec, with these outputs, is on this machine.

    Raises:
        ConfigError: a custom job that is more than one container.
    """
    module = container.command[-1] if container.command else ""
    if module == _EMAIL:
        return Elsewhere("e-mail is sent on Vertex AI only"), outputs
    if module == _CUSTOM_JOB:
        kept = {name: one for name, one in outputs.parameters.items() if name != _JOB}
        return in_job(container, where), msgspec.structs.replace(outputs, parameters=kept)
    return container, outputs


def in_job(launcher: Container, where: str) -> Container:
    """The container that a launcher starts."""
    payload = launcher.args[launcher.args.index("--payload") + 1]
    try:
        (pool,) = json.loads(payload)["job_spec"]["worker_pool_specs"]
        job = pool["container_spec"]
        return Container(
            image=job["image_uri"],
            command=job["command"],
            args=[word.replace(_ESCAPED, _PLAIN) for word in job["args"]],
            env=msgspec.convert(job.get("env", []), list[EnvironmentVariable]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"pipeline spec, {where}: the local runner implements custom jobs of one container "
            f"whose command is constant ({error!r})"
        ) from error
