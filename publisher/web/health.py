"""For those who watch the service: does it live, is it ready, what has it done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from publisher import metrics
from publisher.store import alarms, articles, hub_view, ledger_view
from publisher.web.face import Face, face_of

#: Seconds that the store may take to answer.
_PATIENCE = 2.0
#: Seconds that gauges are kept: however often someone looks, the store is asked once in this time.
_KEPT = 10.0

Gauges = Mapping[str, tuple[str, str, Mapping[str, float]]]


async def healthz(_request: Request) -> Response:
    """GET /healthz: the process lives."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


async def readyz(request: Request) -> Response:
    """GET /readyz: the store answers and the last ticks ended well; else 503 with the reason."""
    face = face_of(request)
    reason = face.ready() or await _store_trouble(face)
    headers = {"Cache-Control": "no-store"}
    if reason is None:
        return PlainTextResponse("ready\n", headers=headers)
    return PlainTextResponse(f"not ready: {reason}\n", status_code=503, headers={**headers, "Retry-After": "5"})


async def exposition(request: Request) -> Response:
    """GET /metrics: the text format of Prometheus."""
    gauges: KeptGauges = request.app.state.gauges
    content = metrics.exposition(await gauges.now(face_of(request)))
    return Response(content, headers={"Content-Type": metrics.MEDIA_TYPE, "Cache-Control": "no-store"})


ROUTES = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", exposition)]


class KeptGauges:
    """What stands in the store, asked for at most once in ten seconds."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._at = float("-inf")
        self._gauges: Gauges = {}

    async def now(self, face: Face) -> Gauges:
        """The gauges, as they were at most ten seconds ago."""
        async with self._lock:
            if time.monotonic() - self._at > _KEPT:
                self._gauges = await _ask(face)
                self._at = time.monotonic()
            return self._gauges


async def _ask(face: Face) -> Gauges:
    """Counts over indexes only; deliveries that are open, for the ended ones may be many millions."""
    async with face.store.read() as tx:
        live = await articles.count_live(tx)
        deliveries = await ledger_view.counts(tx)
        notices = await ledger_view.counts_of_notices(tx)
        hub = await hub_view.counts(tx)
        standing = {row.kind: 1.0 for row in await alarms.standing(tx)}
    return {
        "publisher_articles_live": ("Articles that are live.", "", {"": live}),
        "publisher_deliveries_open": ("Deliveries that have not ended, by state.", "state", deliveries),
        "publisher_notices_open": ("Transactional messages that have not ended, by state.", "state", notices),
        "publisher_hub_subscriptions": ("Subscriptions at the WebSub hub.", "", {"": hub["subscriptions"]}),
        "publisher_hub_waiting": (
            "Subscriptions that are behind, failing, or still to be verified.", "state",
            {name: count for name, count in hub.items() if name != "subscriptions"},
        ),
        "publisher_alarms": ("1 for each alarm that stands, by kind.", "kind", standing),
        "publisher_ready": ("1 where the service is ready.", "", {"": 0 if face.ready() else 1}),
    }


async def _store_trouble(face: Face) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE), face.store.read() as tx:
            await articles.max_seq(tx)
    except TimeoutError:
        return "the store does not answer in time"
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is "not ready" with its reason
        return f"the store does not answer: {type(error).__name__}"
    return None
