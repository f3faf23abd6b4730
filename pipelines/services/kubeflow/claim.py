"""The volume's claim, and the namespace of the pods, as the cluster itself knows them.

Kubeflow Pipelines' own API says nothing of either; whoever has a kubeconfig may ask Kubernetes.
Nothing is changed.
"""

from __future__ import annotations

import os
from typing import Any

import urllib3

from components import patience
from components.errors import ConfigError, RemoteError
from pipelines.services.finding import NotSeenError

# Of the Pod Security Standards, which a namespace may enforce: no pod runs as root there.
ENFORCE = "pod-security.kubernetes.io/enforce"
CHOWN = (
    "Pods there must not run as root, as whom our images run and to whom a new volume belongs. "
    "Give the pods a user and an fsGroup (a mutating policy: Kubeflow Pipelines sets none), or "
    "once let a pod that may run as root do: chown 10001:10001 /retrain (docs/kubeflow.md)"
)


def check_claim(claim: str, namespace: str) -> str:
    """The claim is there, several nodes may write to it, and the pods may.

    Raises:
        ConfigError: it is not there, or only one node may mount it.
        NotSeenError: there is no kubeconfig here, or it may not look; or the pods are not root.
        RemoteError: Kubernetes does not answer.
    """
    from kubernetes import client, config

    look = f"kubectl get persistentvolumeclaim {claim} --namespace {namespace}"
    # The client reads the variable but once, when it is imported.
    file = os.environ.get("KUBECONFIG")
    try:
        config.load_kube_config(file)
        context = config.list_kube_config_contexts(file)[1]["name"]
    except config.ConfigException as error:
        raise NotSeenError(
            f"not checked, since there is no kubeconfig here ({error}). Who has one runs: {look}"
            ". A new volume belongs to root, and so do our images' tasks; where a policy forbids "
            "root the volume needs an fsGroup or a chown (docs/kubeflow.md)"
        ) from None
    core = client.CoreV1Api()
    where = f"{namespace} of the cluster {context} (your kubeconfig's current one)"
    try:
        described = core.read_namespaced_persistent_volume_claim(
            claim, namespace, _request_timeout=patience.CALL_SECONDS
        )
        labels = core.read_namespace(namespace, _request_timeout=patience.CALL_SECONDS)
    except client.ApiException as error:
        if error.status == 404:
            raise ConfigError(
                f"kubeflow.claim: there is no {claim} in {where}. Correct the name, or make one: "
                "docs/kubeflow.md has the manifest for kubectl apply."
            ) from None
        raise NotSeenError(
            f"{where} says {error.status} {error.reason}; look with: {look}"
        ) from None
    except urllib3.exceptions.HTTPError as error:
        raise RemoteError(f"read the claim {claim} in {where}: {error}") from error
    check_modes(described, claim, where)
    check_user(labels, namespace)
    return f"{claim} is in {where} and {described.status.phase}; pods may run as root there"


def check_modes(described: Any, claim: str, where: str) -> None:
    """Refuse a claim that one node alone may mount."""
    if "ReadWriteMany" not in described.spec.access_modes:
        modes = ", ".join(described.spec.access_modes)
        raise ConfigError(
            f"kubeflow.claim: {claim} in {where} is {modes}. Tasks run on several nodes: make one "
            "with accessModes: [ReadWriteMany], of a storage class that has it (Filestore, EFS, "
            "Azure Files, NFS)."
        )


def check_user(namespace: Any, name: str) -> None:
    """Say where the pods cannot be root; whom the volume belongs to only a pod sees."""
    if (namespace.metadata.labels or {}).get(ENFORCE) == "restricted":
        raise NotSeenError(
            f"the namespace {name} enforces `restricted`, and whom the volume belongs to cannot be "
            f"seen from here. {CHOWN}"
        )
