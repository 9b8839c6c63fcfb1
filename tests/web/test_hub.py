"""The hub's door: what it takes, what it refuses and how it says so."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from publisher.hub_state import Answer, HubMode, NewRequest
from publisher.settings import Hub
from publisher.store import hub_requests
from publisher.web import hub
from tests.web.conftest import Running

TOPIC = "http://127.0.0.1:8000/rss.xml"
FORM = {"hub.callback": "http://127.0.0.1:9/cb", "hub.mode": "subscribe", "hub.topic": TOPIC}


@pytest.fixture
def settings(settings: object) -> object:
    """The web face's own, with callbacks on this machine."""
    return settings.model_copy(update={"hub": Hub(allow_private=True, callbacks=8, callbacks_per_host=6)})  # type: ignore[attr-defined]


@pytest.fixture
def form() -> dict[str, str]:
    return {**FORM, "hub.callback": "http://127.0.0.1:8099/cb"}


async def test_page_says_what_this_is(web: Running) -> None:
    """For a person who follows the link."""
    answer = await web.client.get("/hub")
    assert answer.status_code == 200
    assert "WebSub" in answer.text
    assert (await web.client.head("/hub")).status_code == 200
    assert (await web.client.put("/hub")).status_code == 405


async def test_request_is_taken(web: Running, form: dict[str, str]) -> None:
    """202, in words; parameters that are not known are passed over, others' charsets are named or not."""
    answer = await web.client.post("/hub", data={**form, "hub.verify": "async", "more": "x"})
    assert (answer.status_code, answer.text) == (202, "The callback will be asked whether it meant this.\n")
    assert answer.headers["content-type"].startswith("text/plain")
    typed = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    answer = await web.client.post("/hub", content=urlencode(form).encode(), headers=typed)
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"hub.mode": ""}, 400, "hub.mode"), ({"hub.mode": "Subscribe"}, 400, "hub.mode"), ({"hub.mode": "denied"}, 400, "hub.mode"),
        ({"hub.mode": "publish"}, 400, "by itself"),
        ({"hub.secret": "x" * 200}, 400, "less than 200 bytes"), ({"hub.secret": "ä" * 100}, 400, "less than 200 bytes"),
        ({"hub.lease_seconds": "-1"}, 400, "hub.lease_seconds"), ({"hub.lease_seconds": "ever"}, 400, "hub.lease_seconds"),
        ({"hub.lease_seconds": "1e9"}, 400, "hub.lease_seconds"), ({"hub.lease_seconds": "٣"}, 400, "hub.lease_seconds"),
        ({"hub.topic": ""}, 404, "hub.topic"), ({"hub.topic": "http://127.0.0.1:8000/"}, 404, "hub.topic"),
        ({"hub.topic": "http://127.0.0.1:8000/nowhere/rss.xml"}, 404, "no feed"), ({"hub.topic": "https://127.0.0.1:8000/rss.xml"}, 404, "hub.topic"),
        ({"hub.topic": "http://elsewhere.example/rss.xml"}, 404, "hub.topic"), ({"hub.topic": "rss.xml"}, 404, "hub.topic"),
        ({"hub.topic": TOPIC + "?x"}, 404, "hub.topic"), ({"hub.topic": TOPIC + "#x"}, 404, "hub.topic"),
        ({"hub.topic": "http://127.0.0.1:8000/index.html"}, 404, "hub.topic"),
        ({"hub.topic": "http://127.0.0.1:8000/../rss.xml"}, 404, "hub.topic"),
        ({"hub.topic": "http://127.0.0.1:8000/.publisher/rss.xml"}, 404, "hub.topic"),
        ({"hub.topic": "http://127.0.0.1:8000/%2e%2e/rss.xml"}, 404, "hub.topic"), ({"hub.topic": TOPIC + "\x00"}, 404, "hub.topic"),
        ({"hub.callback": ""}, 400, "hub.callback is missing"), ({"hub.callback": "http://no.such.name.invalid/"}, 400, "not known"),
    ],
)
async def test_wrong_request_is_told_what_is_wrong(
    web: Running, form: dict[str, str], change: dict[str, str], status: int, words: str
) -> None:
    """One line of plain text; nothing is noted."""
    answer = await web.client.post("/hub", data={**form, **change})
    assert answer.status_code == status
    assert words in answer.text
    assert answer.text.count("\n") == 1
    async with web.store.read() as tx:
        assert await hub_requests.due(tx, datetime.now(UTC), busy=(), full=(), limit=9) == []


@pytest.mark.parametrize("topic", ["http://127.0.0.1:8000/rss%2exml", "HTTP://127.0.0.1:8000/rss.xml", "http://127.0.0.1:08000/rss.xml"])
async def test_topic_may_be_written_otherwise(web: Running, form: dict[str, str], topic: str) -> None:
    """It is the same topic; the callback is asked about it in the subscriber's own words."""
    assert (await web.client.post("/hub", data={**form, "hub.topic": topic})).status_code == 202
    async with web.store.read() as tx:
        (found,) = await hub_requests.due(tx, datetime.now(UTC), busy=(), full=(), limit=9)
    assert (found.feed, found.topic) == ("rss.xml", topic)


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", ""])
async def test_only_a_form_is_read(web: Running, content_type: str) -> None:
    """Section 5.1 asks for one."""
    answer = await web.client.post("/hub", content=b"{}", headers={"content-type": content_type})
    assert answer.status_code == 415


async def test_body_is_bounded_and_utf_8(web: Running) -> None:
    """Whatever its headers say."""
    typed = {"content-type": "application/x-www-form-urlencoded"}
    assert (await web.client.post("/hub", content=b"a=" + b"x" * 40_000, headers=typed)).status_code == 413
    assert (await web.client.post("/hub", content=b"hub.mode=\xff%ff", headers=typed)).status_code == 400
    assert (await web.client.post("/hub", content=b"&".join([b"a=1"] * 101), headers=typed)).status_code == 400


async def test_places_are_limited(web: Running, form: dict[str, str]) -> None:
    """For one callback, one host, and over all; each refusal says when to come back."""
    async def ask(callback: str) -> int:
        answer = await web.client.post("/hub", data={**form, "hub.callback": callback})
        assert (answer.status_code == 202) is ("retry-after" not in answer.headers)
        return answer.status_code

    assert [await ask("http://127.0.0.1:8099/same") for _ in range(4)] == [202, 202, 202, 429]
    assert [await ask(f"http://127.0.0.1:8099/{n}") for n in range(4)] == [202, 202, 202, 429]
    assert [await ask(f"http://localhost:8099/{n}") for n in range(3)] == [202, 202, 503]


async def test_host_whose_callbacks_confirm_nothing_is_left_alone(web: Running, form: dict[str, str]) -> None:
    """Whoever names a stranger's addresses has them asked a hundred times, and no more for ten minutes."""
    now = datetime.now(UTC)
    async with web.store.write() as tx:
        for number in range(100):
            await hub_requests.add(tx, NewRequest(HubMode.SUBSCRIBE, "rss.xml", TOPIC, f"http://127.0.0.1/{number}", "127.0.0.1"), now)
        waiting = await hub_requests.due(tx, now, busy=(), full=(), limit=100)
        await hub_requests.settle(tx, [Answer(it, confirmed=False, reason="no") for it in waiting], now)
    answer = await web.client.post("/hub", data=form)
    assert answer.status_code == 429
    assert "were not confirmed" in answer.text
    assert answer.headers["retry-after"] == "600"


class TestPace:
    """A client may ask so often, and no more."""

    @pytest.fixture
    def settings(self, settings: object, monkeypatch: pytest.MonkeyPatch) -> object:
        monkeypatch.setattr(hub, "_PER_CLIENT", 2)
        return settings

    async def test_client_is_bounded(self, web: Running, form: dict[str, str]) -> None:
        """By its own address, as a proxy of ours tells it; also with what is refused."""
        for client, more in (("198.51.100.7", {}), ("198.51.100.8", {"hub.mode": "x"})):
            answers = [
                await web.client.post("/hub", data={**form, **more}, headers={"x-forwarded-for": client}) for _ in range(3)
            ]
            assert [answer.status_code for answer in answers][2] == 429
            assert 0 < int(answers[2].headers["retry-after"]) <= 601


class TestOff:
    """The hub is not enabled."""

    @pytest.fixture
    def settings(self, settings: object) -> object:
        return settings.model_copy(update={"hub": Hub(enabled=False)})  # type: ignore[attr-defined]

    async def test_nothing_is_there(self, web: Running, form: dict[str, str]) -> None:
        """404, for people and programs."""
        assert (await web.client.get("/hub")).status_code == 404
        answer = await web.client.post("/hub", data=form)
        assert (answer.status_code, answer.text) == (404, "This site runs no hub.\n")


class TestBlocked:
    """A host is not wanted."""

    @pytest.fixture
    def settings(self, settings: object) -> object:
        return settings.model_copy(update={"hub": Hub(blocked=("localhost",), allow_private=True)})  # type: ignore[attr-defined]

    async def test_its_callbacks_are_refused(self, web: Running, form: dict[str, str]) -> None:
        """However it is written; others are taken."""
        for host in ("localhost", "LOCALHOST."):
            answer = await web.client.post("/hub", data={**form, "hub.callback": f"http://{host}:8099/"})
            assert (answer.status_code, "not wanted" in answer.text) == (403, True)
        assert (await web.client.post("/hub", data=form)).status_code == 202
