"""The KFP face of fingerprint. Never cached: it is what tells that a source has changed."""

from kfp import dsl

from components.images import CPU_IMAGE
from components.program import program


@dsl.container_component
def fingerprint(
    sources: list,
    context: dict,
    timeout: int,
    digest: dsl.OutputPath(str),
    data_digest: dsl.OutputPath(str),
) -> dsl.ContainerSpec:
    """Digest of all that changes the result (digest), and of the annotations (data_digest)."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        **program(
            "fingerprint",
            timeout=timeout,
            sources=sources,
            context=context,
        ),
    )
