"""This file knows Redis: connections by role and pool against their limits, memory, latency, evictions."""

import pandas as pd
import streamlit as st

from dashboard import amounts, parts, trends
from dashboard.chart_bounds import Rule
from dashboard.look import CRITICAL
from dashboard.page import Page
from dashboard.plain import plain, unbroken
from dashboard.pool_advice import own_connections, pool_advice
from dashboard.queues_now import queues_now
from dashboard.redis_now import RedisNow, redis_now
from dashboard.waiting import CARDS, CHARTS
from exporter import catalogue as c
from planner.file.claims import ClaimsWords

ROWS = (CARDS, CARDS, CHARTS, CHARTS, CHARTS, CHARTS)


def show(page: Page) -> None:
    now = redis_now(page.source, page.recent)
    if now.up is False:
        st.error(
            "Redis does not answer the exporter now. What follows is what was known before.",
            icon=":material/error:",
        )
    _cards(now)
    page.waiting.drawn(2)
    _use(page)
    page.waiting.drawn()
    _pools(page)
    page.waiting.drawn()
    _server(page)


def _cards(now: RedisNow) -> None:
    first, second = st.columns(4), st.columns(4)
    with first[0]:
        _clients(now)
    with first[1]:
        _fullest(now)
    with first[2]:
        _memory(now)
    with first[3]:
        _round_trip(now)
    with second[0]:
        source = f"Keys evicted for memory lately; any can be a job's. From {c.EVICTED.name}."
        parts.number(
            "Evicted keys",
            amounts.jobs(now.evicted),
            source,
            "" if now.evicted is not None else "INFO may not be read",
        )
    with second[1]:
        source = f"Connections refused at maxclients lately. From {c.REJECTED.name}."
        note = "" if now.rejected is not None else "INFO may not be read"
        parts.number("Refused connections", amounts.jobs(now.rejected), source, note)
    with second[2]:
        _policy(now)
    with second[3]:
        _hits(now)


def _clients(now: RedisNow) -> None:
    total = sum(now.roles.values()) if now.roles else None
    most = (
        f"of {amounts.jobs(now.connections_max)} that the server takes"
        if now.connections_max
        else "maxclients not known"
    )
    source = f"Connections of the whole server. From CLIENT LIST, by {c.CONNECTIONS.name}."
    parts.number("Clients", amounts.jobs(total), source, most)


def _fullest(now: RedisNow) -> None:
    source = (
        f"Open over the limit: the fullest named pool, else all clients. From {c.POOL_CONNECTIONS.name}, "
    )
    source += f"{c.CONNECTION_UTILIZATION.name}."
    fullest = now.fullest
    if fullest is None:
        parts.number("In use", amounts.NOTHING, source, "maxclients may not be read, and no pool is named")
    else:
        parts.number("In use", amounts.share(fullest[1]), source, fullest[0])


def _memory(now: RedisNow) -> None:
    limit = f"of {amounts.size(now.memory_max_bytes)}" if now.memory_max_bytes else "no limit is set"
    if now.memory_bytes is None:
        limit = "INFO may not be read"
    parts.number("Memory", amounts.size(now.memory_bytes), f"INFO used_memory, by {c.MEMORY.name}.", limit)


def _round_trip(now: RedisNow) -> None:
    source = f"One small command of the exporter, once a second, over the last 15 minutes. From {c.ROUND_TRIP.name}."
    note = f"95th percentile {amounts.seconds(now.round_trip_p95_seconds)}; wanted: below 5 ms on average"
    parts.number("Round trip, mean", amounts.seconds(now.round_trip_mean_seconds), source, note)


def _policy(now: RedisNow) -> None:
    note = "INFO may not be read"
    if now.policy is not None:
        note = (
            "safe: no job is evicted"
            if now.policy == "noeviction"
            else ":red[▲ can evict jobs]; Bull needs noeviction"
        )
    parts.number(
        "Eviction",
        now.policy or amounts.NOTHING,
        f"INFO maxmemory_policy, by {c.EVICTION_POLICY.name}.",
        note,
    )


def _hits(now: RedisNow) -> None:
    source = (
        f"Look-ups that found a key, lately, of the whole server. From {c.HITS.name} and {c.MISSES.name}."
    )
    note = "Bull's own look-ups miss often: no measure of a cache"
    if now.cache_hits:
        note = ", ".join(f"{name} {amounts.share(ratio)}" for name, ratio in now.cache_hits.items())
    parts.number("Keyspace hits", amounts.share(now.hit_ratio), source, note)


def _use(page: Page) -> None:
    left, right = st.columns(2)
    with left:
        source = f"Connections of the whole server by role. From CLIENT LIST, by {c.CONNECTIONS.name}."
        why = "the exporter may not read CLIENT LIST"
        parts.over_time(
            "Connections by role", trends.roles(page.source, page.span), "connections", source, why
        )
    with right:
        claims = page.file.claims if page.file is not None else ClaimsWords()
        low, high = claims.pool_utilisation
        source = "Open connections over their limit; the band is the report's: a ceiling, not a goal."
        table = trends.connections(page.source, page.span)
        parts.over_time(
            "Share in use",
            table,
            "share",
            source,
            "neither maxclients nor a pool is known",
            share=True,
            band=(low, high),
        )


def _pools(page: Page) -> None:
    left, right = st.columns(2)
    with left:
        source = f"Open, and recently used, by pool. From CLIENT LIST, by {c.POOL_CONNECTIONS.name}."
        why = "no pool is named in the exporter's configuration (see its `pools`)"
        parts.over_time("Pools", trends.pools(page.source, page.span), "connections", source, why)
    with right:
        _advice(page)


def _advice(page: Page) -> None:
    title = "What the pools should be"
    table = pool_advice(page, queues_now(page.source, page.recent))
    if table.empty:
        parts.nothing(title, "the file has no `pool`, or no attempt is counted lately")
        return
    with st.container(border=True, height="stretch"):
        source = (
            "What bullgauge-planner pool answers for the file's pools under the attempts of now: connections needed, "
            "the use that is foretold, the use that is right for the size, and timeouts of a check-out an hour."
        )
        parts.read_whole(title, source, table, _written(table))
        for name, assumed in zip(table["Pool"], table["Assumed"], strict=True):
            if assumed:
                st.caption(f"Assumed of {plain(name)}: {plain(assumed)}.")
        st.caption(own_connections(page))


def _written(table: pd.DataFrame) -> pd.DataFrame:
    """As people read it, in words short enough for a narrow screen; what is assumed stands below."""
    shares = ("Predicted use", "Right use for its size")
    written = {name: [unbroken(amounts.share(ratio)) for ratio in table[name]] for name in shares}
    written["Timeouts /h"] = [amounts.jobs(count) for count in table["Timeouts /h"]]
    written["Pool"] = [plain(name) for name in table["Pool"]]
    return table.assign(**written).drop(columns="Assumed").rename(columns=_SHORT)


_SHORT = {"Predicted use": "Use", "Right use for its size": "Right use"}


def _server(page: Page) -> None:
    left, right = st.columns(2)
    with left:
        source = f"From {c.MEMORY.name}, {c.MEMORY_MAX.name}."
        parts.over_time(
            "Redis memory", trends.memory(page.source, page.span), "MiB", source, "INFO may not be read"
        )
    with right:
        # `trends.RATIOS` says the same of jobs; these commands belong to no queue.
        told = (
            "A step tells of those between its scrapes; those before the exporter's first scrape are in none."
        )
        source = f"One small command of the exporter, once a second. {told} From {c.ROUND_TRIP.name}."
        table = trends.round_trips(page.source, page.span)
        parts.over_time(
            "Round trip",
            table,
            "milliseconds",
            source,
            "nothing was timed",
            [Rule(5.0, "wanted 5 ms", CRITICAL)],
            log=True,
        )
    left, right = st.columns(2)
    with left:
        source = f"Commands a second of all clients. From {c.COMMANDS.name}."
        parts.over_time(
            "Commands", trends.commands(page.source, page.span), "a second", source, "INFO may not be read"
        )
    with right:
        source = f"In each step. From {c.EVICTED.name}, {c.REJECTED.name}."
        table = trends.refusals(page.source, page.span)
        parts.over_time("Evictions and refusals", table, "count", source, "INFO may not be read")
