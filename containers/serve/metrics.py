"""What the server counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "retrain_requests", "Answers given", ["route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "retrain_request_seconds", "Time to answer", ["route"], registry=self._registry
        )
        self.texts = Counter("retrain_texts", "Texts predicted", registry=self._registry)
        self.batch = Histogram(
            "retrain_batch_texts",
            "Texts in a batch",
            buckets=[1, 2, 4, 8, 16, 32, 64],
            registry=self._registry,
        )
        self.queue = Gauge("retrain_queue_texts", "Texts that wait", registry=self._registry)

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)
