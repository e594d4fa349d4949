"""Knows how the claims about Redis are judged: pools, timeouts, caches; and the failures that alarms are set on."""

from collections.abc import Iterator

from planner.answers import duration
from planner.exact.cache import hit_ratio
from planner.exact.erlang import erlang_c
from planner.file.claims import CacheWords
from planner.pool import WAITING_SHARE, PoolAnswer, jobs_per_second
from planner.report.study import Study
from planner.report.verdict import Found


def on_pools(study: Study) -> Iterator[Found]:
    """Use, timeout and alarm of each pool."""
    for pool in study.pools:
        yield _on_use(study, pool)
        words = study.file.pools[pool.name]
        if pool.fires_at is not None and words.acquireTimeoutMs is not None:
            yield _on_timeout(pool, words.acquireTimeoutMs / 1000)
        alarm = study.file.levels.get("redis_connection_utilization")
        if alarm and alarm.warning:
            yield _on_alarm(pool, alarm.warning)


def _on_use(study: Study, pool: PoolAnswer) -> Found:
    low, high = study.file.claims.pool_utilisation
    claim = f"{low:.0%} to {high:.0%} of the {pool.connections} connections of `{pool.name}` in use"
    if low <= pool.utilisation <= high:
        return claim, "holds", f"{pool.utilisation:.0%} are in use."
    if pool.utilisation > high:
        return (
            claim,
            "does not hold",
            f"{pool.utilisation:.0%} are in use; {pool.connections_needed} would be enough.",
        )
    rate = jobs_per_second(study.file.queues)
    words = study.file.pools[pool.name]
    commands = pool.commands_per_job_for(low, rate, words.command_time)
    return (
        claim, "wrong question",
        f"{pool.utilisation:.2%} are in use, and {pool.connections_needed} connections are enough. To reach {low:.0%} "
        f"each job would have to send {commands:,.0f} commands of {duration(words.command_time)} instead of "
        f"{words.commands_per_job:g}. Use is a ceiling, not a goal. Ask where commands begin to wait: above "
        f"{pool.right_utilisation:.0%} in a pool of this size.",
    )  # fmt: skip


def _on_timeout(pool: PoolAnswer, timeout_seconds: float) -> Found:
    claim = f"The acquire timeout of {duration(timeout_seconds)} protects `{pool.name}`"
    assert pool.fires_at is not None
    if pool.fires_at < 0.95:
        return claim, "holds", f"It fires from {pool.fires_at:.0%} use on, before the pool is exhausted."
    return (
        claim, "wrong question",
        f"Below {pool.fires_at:.0%} use it fires less than once a year: only when the pool is exhausted, or Redis does "
        f"not answer. Now {pool.utilisation:.2%} are in use. It can't warn; an alarm on the share in use can.",
    )  # fmt: skip


def _on_alarm(pool: PoolAnswer, bound: float) -> Found:
    waiting = erlang_c(pool.connections, bound * pool.connections)
    claim = f"An alarm at {bound:.0%} use of `{pool.name}` comes in time"
    if waiting <= WAITING_SHARE:
        return claim, "holds", f"At that use {waiting:.2%} of commands wait for a connection."
    return (
        claim, "does not hold",
        f"At that use {waiting:.0%} of commands already wait for a connection. Set it at "
        f"{pool.right_utilisation:.0%}, where with {pool.connections} connections 1 in {1 / WAITING_SHARE:.0f} does.",
    )  # fmt: skip


def on_failures(study: Study) -> Iterator[Found]:
    """The alarm against the budget, and what retries leave."""
    budget = 1.0 - study.file.claims.processed
    processed = percent(study.file.claims.processed)
    alarm = study.file.levels.get("job_failure_rate")
    if alarm and alarm.warning and budget > 0:
        times = alarm.warning / budget
        yield (
            f"A failure alarm at {percent(alarm.warning)} keeps {processed} of jobs processed",
            "holds" if times <= 1 else "does not hold",
            f"The budget is {percent(budget)} of jobs; the alarm comes at {times:.3g} times that.",
        )
    for queue in study.file.queues:
        retries, lost = queue.question.workload.retries, queue.question.workload.life.failed
        if retries is not None:
            yield (
                f"{processed} of {queue.name} are processed",
                "holds" if lost <= budget else "does not hold",
                f"{retries.attempts} attempts that fail independently leave {percent(lost)}; attempts that fail "
                "together, as when a provider is down, leave more.",
            )


def on_caches(study: Study) -> Iterator[Found]:
    """Each cache against the hits wanted of it."""
    for name, cache in study.file.caches.items():
        yield _on_cache(name, cache)


def _on_cache(name: str, cache: CacheWords) -> Found:
    claim = f"{cache.target:.0%} of reads of `{name}` hit"
    wanted = cache.target / (1.0 - cache.target) / cache.ttl * 3600 if cache.target < 1 else float("inf")
    need = f"With a life of {duration(cache.ttl)} each key must be read {wanted:,.3g} times an hour"
    if cache.reads_per_hour is None:
        return claim, "can't be known", f"{need}; how often it is read is not given."
    hits = hit_ratio(cache.reads_per_hour / 3600, cache.ttl)
    return claim, "holds" if hits >= cache.target else "does not hold", f"{need}; it hits {hits:.0%}."


def percent(share: float) -> str:
    """Four figures at most, without zeros at the end."""
    return f"{round(100 * share, 10):.4g}%"
