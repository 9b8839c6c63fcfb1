"""When messages may start: tables and properties, on made-up time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.mail.hours import Hours
from publisher.mail.pace import Limits, Pace
from publisher.mail.standing import CREDIT, HORIZON, LINE, STEP, STOP, Standing, greylists, limits_us
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply
from tests.mail.conftest import NOON

SECOND = timedelta(seconds=1)
SLOW_DOWN = Reply(421, "4.7.28", "too much mail from you")
OK = Reply(250, "2.0.0", "ok")


def claim(number: int, domain: str = "big.example", kind: str = "delivery") -> Claim:
    email = f"r{number}@{domain}"
    return Claim(
        kind=kind, id=number, email=email, name="", message_id="", attempt=1, subscription_id=number,
        newsletter="daily", email_key=email,
    )


def ended(pace: Pace, one: Claim, reply: Reply, at: datetime) -> None:
    state = DeliveryState.ACCEPTED if reply.code == 250 else DeliveryState.DEFERRED
    pace.ended(Outcome(one, state, reply, at, at))


def starts(pace: Pace, one: Claim, now: datetime) -> bool:
    """Whether it starts now; then it is under way."""
    if pace.place(one, now) > now:
        return False
    at = pace.opens(one, now)
    free = now if one.kind == "notice" else pace.next_free or now
    if at is None or max(at, free) > now:
        pace.dropped(one, now)
        return False
    pace.begins(one, now)
    return True


def send(pace: Pace, one: Claim, reply: Reply, now: datetime) -> None:
    assert starts(pace, one, now)
    ended(pace, one, reply, now)


def at_once(pace: Pace, now: datetime, domain: str = "big.example") -> int:
    """How many messages a domain gets at once; they are given back."""
    begun = [one for number in range(1000, 1020) if starts(pace, one := claim(number, domain), now)]
    for one in begun:
        pace.given_back(one, now)
    return len(begun)


@given(
    rate=st.floats(0.2, 200), steps=st.lists(st.integers(0, 3000), min_size=5, max_size=200),
    overall=st.booleans(),
)
def test_rate_is_exceeded_over_no_window(rate: float, steps: list[int], *, overall: bool) -> None:
    """Whenever is asked: any window has at most what the rate gives it, a tenth of a second made up for, and one."""
    pace = Pace(Limits(rate=rate) if overall else Limits(domain_rate=rate))
    now, begun = NOON, []
    for number, step in enumerate(steps):
        now += timedelta(milliseconds=step)
        if starts(pace, one := claim(number), now):
            begun.append(now)
            ended(pace, one, OK, now)
    for first in range(len(begun)):
        for last in range(first, len(begun)):
            window = (begun[last] - begun[first] + CREDIT).total_seconds()
            assert last - first + 1 <= window * rate + 1.001


def test_rate_is_made_use_of() -> None:
    """A rate above that of the looks is reached none the less."""
    pace = Pace(Limits(rate=500.0))
    begun, number = 0, 0
    for step in range(100):
        now = NOON + step * timedelta(milliseconds=20)
        while starts(pace, claim(number := number + 1), now):
            begun += 1
    assert 950 <= begun <= 1060


def test_rates_of_single_domains() -> None:
    """A domain that is named has its own rate; the others have the common one."""
    pace = Pace(Limits(domain_rate=1.0, rates={"fast.example": 1000.0}))
    assert at_once(pace, NOON, "fast.example") == 20
    assert at_once(pace, NOON, "other.example") == 1
    assert at_once(pace, NOON, "third.example") == 1


@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=100))
def test_domain_that_limits_us_gets_nothing_before_its_time(looks: list[tuple[int, bool]]) -> None:
    """For ten minutes from its last word neither digest nor notice starts; others do."""
    pace = Pace()
    send(pace, claim(1), SLOW_DOWN, NOON)
    now = NOON
    for number, (step, notice) in enumerate(looks, 2):
        now += timedelta(seconds=step)
        assert starts(pace, claim(number, "other.example"), now)
        began = starts(pace, claim(number, kind="notice" if notice else "delivery"), now)
        assert not (began and now < NOON + STOP)


def test_spared_domain_gets_one_more_at_a_time() -> None:
    """After the stop one message at once, one more for each run that went well, up to all connections."""
    pace = Pace(Limits(connections=4))
    send(pace, claim(1), SLOW_DOWN, NOON)
    now = NOON + STOP
    seen = []
    for step in range(4):
        seen.append(at_once(pace, now))
        for number in range(STEP):
            send(pace, claim(100 * step + number), OK, now)
    assert seen == [1, 2, 3, 20]
    assert pace.changed()["big.example"].allowed is None


def test_refusals_in_a_row_halve_what_a_domain_gets() -> None:
    """Three refusals for now are a wish for less; a message accepted between them is not."""
    pace = Pace(Limits(connections=8))
    busy = Reply(451, "4.2.0", "busy")
    for number, reply in enumerate((busy, busy, OK, busy, busy)):
        send(pace, claim(number), reply, NOON)
    assert at_once(pace, NOON) == 20
    send(pace, claim(9), busy, NOON)
    assert at_once(pace, NOON) == 4


@pytest.mark.parametrize(
    ("reply", "limits"),
    [
        (Reply(421, "", "closing"), True),
        (Reply(421, "4.7.28", "rate"), True),
        (Reply(450, "4.7.28", "rate"), True),
        (Reply(451, "4.7.500", "server busy"), True),
        (Reply(450, "4.7.1", "try again"), False),
        (Reply(451, "4.7.0", "Greylisted, come back"), False),
        (Reply(450, "4.2.1", "mailbox busy"), False),
        (Reply(452, "4.3.1", "no room"), False),
        (Reply(550, "5.7.28", "no"), False),
        (Reply(250, "2.0.0", "ok"), False),
    ],
)
def test_what_counts_as_a_limit(reply: Reply, *, limits: bool) -> None:
    """421 and 4.7.x, but not what greylisting says."""
    assert limits_us(reply) == limits


def test_greylisting_spares_nobody() -> None:
    """A server that defers every first message is asked about every message."""
    grey = Reply(450, "4.7.0", "greylisting in action")
    assert greylists(grey)
    pace = Pace()
    for number in range(50):
        send(pace, claim(number), grey, NOON)
    assert at_once(pace, NOON) == 20


def test_relay_that_asks_for_less_is_blamed_on_no_domain() -> None:
    """The same wish for one domain after the other is the relay's: none of them stays stopped."""
    pace = Pace()
    for number in range(6):
        send(pace, claim(number, f"d{number}.example"), SLOW_DOWN, NOON)
    assert [at_once(pace, NOON, f"d{number}.example") for number in range(6)] == [20] * 6
    assert {standing.allowed for standing in pace.changed().values()} == {None}
    send(pace, claim(7, "fine.example"), OK, NOON)
    send(pace, claim(8), SLOW_DOWN, NOON)
    assert at_once(pace, NOON) == 0


def test_domains_with_the_same_servers_share_a_stop() -> None:
    """What one says holds for the other, also where it was said before the group was known."""
    groups: dict[str, str] = {}
    pace = Pace(group_of=lambda domain: groups.get(domain, domain))
    send(pace, claim(1, "a.org"), SLOW_DOWN, NOON)
    assert at_once(pace, NOON, "b.org") == 20
    groups |= {"a.org": "mx.net", "b.org": "mx.net"}
    assert at_once(pace, NOON, "a.org") == 0
    assert at_once(pace, NOON, "b.org") == 0


def test_group_may_get_its_name_while_messages_are_under_way() -> None:
    """What began under the domain's name ends under it; nothing stays behind."""
    groups: dict[str, str] = {}
    pace = Pace(group_of=lambda domain: groups.get(domain, domain))
    one = claim(1, "a.org")
    assert starts(pace, one, NOON)
    groups["a.org"] = "mx.net"
    ended(pace, one, OK, NOON)
    send(pace, claim(2, "a.org"), OK, NOON)
    assert pace._groups == {}
    assert pace._names == {}


def test_line_of_a_stopped_domain() -> None:
    """Its messages are to come back after the stop, spaced, no later than an hour on: each moves once till then."""
    pace = Pace()
    send(pace, claim(0), SLOW_DOWN, NOON)
    times = [pace.place(claim(number), NOON) for number in range(1, 40_000)]
    assert min(times) == NOON + STOP
    assert max(times) <= NOON + STOP + LINE
    assert len(set(times)) > 20_000


def test_line_of_a_rate() -> None:
    """What has no room comes back at the domain's rate."""
    pace = Pace(Limits(domain_rate=10.0))
    times = [pace.place(claim(number), NOON) for number in range(1000)]
    assert times[:20] == [NOON] * 20
    assert times[20] == NOON + HORIZON
    assert times[21] - times[20] == SECOND / 10


LONDON = ZoneInfo("Europe/London")
NIGHT = (time(22), time(6, 30))


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (NIGHT, (2026, 11, 22, 21, 59), (2026, 11, 22, 21, 59)),
        (NIGHT, (2026, 11, 22, 22, 0), (2026, 11, 23, 6, 30)),
        (NIGHT, (2026, 11, 23, 0, 30), (2026, 11, 23, 6, 30)),
        (NIGHT, (2026, 11, 23, 6, 30), (2026, 11, 23, 6, 30)),
        (NIGHT, (2026, 7, 1, 21, 0), (2026, 7, 2, 5, 30)),  # summer time
        ((time(12), time(13)), (2026, 11, 22, 12, 59), (2026, 11, 22, 13, 0)),
        ((time(12), time(13)), (2026, 11, 22, 13, 0), (2026, 11, 22, 13, 0)),
        ((time(22), time(1, 30)), (2026, 3, 29, 0, 59), (2026, 3, 29, 1, 30)),  # 01:30 is skipped: 02:30 summer time
        ((time(22), time(1, 30)), (2026, 10, 25, 0, 10), (2026, 10, 25, 0, 30)),  # 01:30 comes twice
        ((time(22), time(1, 30)), (2026, 10, 25, 1, 10), (2026, 10, 25, 1, 30)),
    ],
)
def test_quiet_hours(quiet: tuple[time, time], now: tuple[int, ...], until: tuple[int, ...]) -> None:
    """They end by the site's clock: over midnight, in summer time, and on the days that the clock changes."""
    at = Hours(LONDON, quiet).after_quiet(datetime(*now, tzinfo=UTC))  # type: ignore[misc,arg-type]  # five numbers
    assert at == datetime(*until, tzinfo=UTC)  # type: ignore[misc,arg-type]  # the same


@given(
    begins=st.times(), ends=st.times(), now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from(["Europe/London", "America/St_Johns", "Africa/Cairo", "Australia/Lord_Howe", "UTC"]),
)
def test_after_quiet_hours_it_is_not_quiet(begins: time, ends: time, now: datetime, zone: str) -> None:
    """Wherever and whenever: the instant is not before now, within some 25 hours, and the same asked again."""
    hours = Hours(ZoneInfo(zone), (begins, ends))
    at = hours.after_quiet(now)
    assert now <= at <= now + timedelta(hours=25)
    assert hours.after_quiet(at) == at


def test_notices_mind_nothing_but_a_stop() -> None:
    """In quiet hours, with the day's digests sent and rates used up, somebody's confirmation goes."""
    hours = Hours(UTC, (time(11), time(13)), (1,), NOON.date())
    pace = Pace(Limits(rate=0.1, domain_rate=0.1, hours=hours))
    for number in range(10):
        assert starts(pace, claim(number, kind="notice"), NOON)
    assert not starts(pace, claim(99), NOON)
    assert pace.place(claim(99), NOON) == NOON + timedelta(hours=1)


def test_warm_up_has_its_number_for_each_day() -> None:
    """Two on the first day, three on the second, then as many as there are; a restart knows how many went."""
    hours = Hours(LONDON, None, (2, 3), date(2026, 11, 22))
    pace = Pace(Limits(hours=hours))

    def went(now: datetime) -> int:
        number = 0
        while number < 10 and starts(pace, one := claim(number), now):
            ended(pace, one, OK, now)
            number += 1
        return number

    assert went(NOON) == 2
    assert pace.place(claim(50), NOON) == datetime(2026, 11, 23, tzinfo=UTC)
    restarted = Pace(Limits(hours=hours))
    restarted.recall((), NOON.date(), 2)
    pace = restarted
    assert went(NOON + SECOND) == 0
    assert went(NOON + timedelta(days=1)) == 3
    assert went(NOON + timedelta(days=2)) == 10


def test_warm_up_counts_what_is_under_way() -> None:
    """What may still be accepted takes a place; what was refused gives it back."""
    pace = Pace(Limits(hours=Hours(UTC, None, (1,), NOON.date())))
    first = claim(1)
    assert starts(pace, first, NOON)
    assert pace.place(claim(2), NOON) == NOON
    assert pace.opens(claim(2), NOON) is None
    ended(pace, first, Reply(550, "5.1.1", "no such user"), NOON)
    assert pace.opens(claim(2), NOON) == NOON


def test_next_day_of_a_warm_up_begins_after_quiet_hours() -> None:
    """Its first digest does not start at midnight."""
    hours = Hours(UTC, NIGHT, (1,), NOON.date())
    assert hours.next_day(NOON) == datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


def test_what_was_learnt_comes_back() -> None:
    """A new pace that is told of a stop keeps it."""
    pace = Pace()
    send(pace, claim(1), SLOW_DOWN, NOON)
    known = pace.changed()["big.example"]
    again = Pace()
    again.recall([("big.example", Standing(known.stopped_until, known.allowed, known.reason))])
    assert at_once(again, NOON + STOP - SECOND) == 0
    assert at_once(again, NOON + STOP) == 1


def test_with_a_rate_few_lie_ready_while_the_servers_are_slow() -> None:
    """What was kept waiting does not leave in one burst; notices are no part of it; without a rate there is no limit."""
    pace = Pace(Limits(rate=10, connections=2))
    first, second = claim(1), claim(2, kind="notice")
    assert pace.room() == 3
    assert starts(pace, first, NOON)
    assert starts(pace, second, NOON)
    assert pace.room() == 2
    ended(pace, first, OK, NOON)
    assert pace.room() == 3
    assert Pace(Limits(connections=2)).room() is None

    pace = Pace(Limits(domain_rate=10, connections=2))
    later = [NOON + number * SECOND for number in range(4)]
    assert [starts(pace, claim(number), at) for number, at in enumerate(later)] == [True, True, True, False]
    assert starts(pace, claim(9, "other.example"), later[3])
    ended(pace, claim(0), OK, later[3])
    assert starts(pace, claim(4), later[3])
