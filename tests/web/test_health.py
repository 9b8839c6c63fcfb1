"""What those see who watch the service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prometheus_client.parser import text_string_to_metric_families as families

from publisher import metrics
from publisher.audience import optin


async def test_the_process_lives(web: Any) -> None:
    """/healthz says so, whatever else is wrong."""
    web.trouble = "the disk is full"
    answer = await web.client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


async def test_readiness_tells_its_reason(web: Any) -> None:
    """/readyz is 200, or 503 with the reason of the service."""
    assert (await web.client.get("/readyz")).status_code == 200
    web.trouble = "go_live has not run yet"
    answer = await web.client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "not ready: go_live has not run yet\n")
    assert answer.headers["retry-after"] == "5"


async def test_a_store_that_does_not_answer_is_not_ready(web: Any) -> None:
    """The store is really asked."""
    async with web.store.write() as tx:
        await tx.exec_driver_sql("DROP TABLE counters")
    answer = await web.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.text.startswith("not ready: the store does not answer")


async def test_metrics_are_what_prometheus_reads(web: Any) -> None:
    """Counters of the steps and gauges of the store, in the text format."""
    metrics.DOCUMENTS.labels("added").inc(3)
    metrics.FILES_WRITTEN.inc()
    metrics.MESSAGES.labels("accepted").inc()
    await optin.add(web.store, web.settings, "jo@example.org", now=datetime.now(UTC))
    answer = await web.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families(answer.text) for sample in family.samples
    }
    assert found["publisher_documents_total", "added"] >= 3
    assert found["publisher_messages_total", "accepted"] >= 1
    assert found["publisher_articles_live",] == 0
    assert found["publisher_notices_open", "queued"] == 1
    assert found["publisher_ready",] == 1


async def test_a_database_in_trouble_is_out_of_order_and_no_fault(web: Any) -> None:
    """A page that needs the store answers 503 with a word when to come back; files go on being served."""
    async with web.store.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE articles RENAME TO lost")
    answer = await web.client.get("/subscribe")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert (await web.client.get("/rss.xml")).status_code == 200
