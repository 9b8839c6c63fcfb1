"""What is counted for operators (the only code that knows prometheus-client).

Steps count as they go; what stands in the store is asked for when someone looks, see `publisher.web.health`.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_registry = CollectorRegistry()

#: By what became of them: "added", "updated", "unchanged", "rejected".
DOCUMENTS = Counter(
    "publisher_documents", "Documents that pick-up looked at, by what became of them.", ["status"], registry=_registry
)
FILES_WRITTEN = Counter("publisher_files_written", "Feeds and pages that were written.", registry=_registry)
#: By the outcome of the attempt: "accepted", "deferred", "bounced", "in_doubt".
MESSAGES = Counter("publisher_messages", "Attempts to send a message, by outcome.", ["outcome"], registry=_registry)

#: By what became of them: "delivered", "failed", "ended", "unsigned".
HUB_PUSHES = Counter(
    "publisher_hub_pushes", "Feeds that were pushed to a callback, by outcome.", ["outcome"], registry=_registry
)
#: "confirmed", "failed" (also one that is asked again).
HUB_QUESTIONS = Counter(
    "publisher_hub_questions", "Callbacks that were asked whether they meant it.", ["outcome"], registry=_registry
)
#: "told", "failed".
HUB_PINGS = Counter(
    "publisher_hub_pings", "Changes that other hubs were told of, by outcome.", ["outcome"], registry=_registry
)

#: Media type of `exposition`.
MEDIA_TYPE = CONTENT_TYPE_LATEST


class _Gauges(Collector):
    """What stands in the store at one instant: name -> (help, label, values by label; "" where there is no label)."""

    def __init__(self, gauges: Mapping[str, tuple[str, str, Mapping[str, float]]]) -> None:
        self._gauges = gauges

    def collect(self) -> list[GaugeMetricFamily]:
        return [self._family(name, *rest) for name, rest in sorted(self._gauges.items())]

    @staticmethod
    def _family(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, text, labels=[label] if label else None)
        for key, value in sorted(values.items()):
            family.add_metric([key] if label else [], value)
        return family


def exposition(gauges: Mapping[str, tuple[str, str, Mapping[str, float]]]) -> bytes:
    """All counters, and these gauges, in the text format of Prometheus.

    `gauges` maps a name to its help, the name of its label (or nothing), and the values by label.
    """
    here = CollectorRegistry()
    here.register(_Gauges(gauges))
    return generate_latest(_registry) + generate_latest(here)
