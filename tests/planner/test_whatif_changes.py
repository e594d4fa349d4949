"""Each change of a what-if question agrees with a formula or a simulation that shares nothing with the planner."""

import random

import numpy as np
import pytest
import simpy

from planner.cli import main
from tests.planner.whatif_asking import ask, mean_wait
from tests.servers import Server

FLEET = """\
queues:
  - {name: email, concurrency: 3, workers: 3, jobs_per_hour: 7200, service: {law: exponential, mean: 1s}}
  - {name: reports, concurrency: 9, jobs_per_hour: 900, service: {law: exponential, mean: 20s}}
today:
  - {name: email, concurrency: 4}
"""


def waits(found):
    return [one["queues"][0]["wait_seconds"]["mean"] for one in found]


def test_a_load_grows_as_the_contracts_do(tmp_path, capsys):
    found = ask(tmp_path, capsys, FLEET, "--contracts", "75,150,500")
    assert waits(found)[:2] == pytest.approx([mean_wait(9, 2.0, 1.0), mean_wait(9, 4.0, 1.0)])
    assert found[2]["set"] == {"contracts": 500}
    assert found[2]["queues"][0]["backlog_per_hour"] == pytest.approx((2.0 * 500 / 75 - 9) * 3600)


def test_a_lost_worker_takes_its_slots_along(tmp_path, capsys):
    found = ask(tmp_path, capsys, FLEET, "--lost-workers", "0..3")
    assert waits(found)[:3] == pytest.approx(
        [mean_wait(9, 2.0, 1.0), mean_wait(6, 2.0, 1.0), mean_wait(3, 2.0, 1.0)]
    )
    assert found[1]["queues"][0]["jobs_run_again"] == pytest.approx(2.0 / 9 * 3)
    none = found[3]["queues"][0]
    assert (none["slots"], none["stable"], none["wait_seconds"]["mean"]) == (0, False, None)
    assert none["backlog_per_hour"] == pytest.approx(7200)


def test_half_of_the_traffic_moves_to_the_new_fleet(tmp_path, capsys):
    old, half, new = ask(tmp_path, capsys, FLEET, "--moved", "0,0.5,1")
    assert [row["name"] for row in half["queues"]] == ["email", "reports", "email (today)"]
    assert [row["name"] for row in old["queues"]] == ["reports", "email (today)"]
    assert [row["name"] for row in new["queues"]] == ["email", "reports"]
    email, reports, today = (row["wait_seconds"]["mean"] for row in half["queues"])
    assert (email, today) == pytest.approx((mean_wait(9, 1.0, 1.0), mean_wait(4, 1.0, 1.0)))
    assert reports == pytest.approx(mean_wait(9, 0.25, 20.0))  # it has no counterpart: nothing of it moves


def hits_of_a_cache(rate: float, keys: int, ttl: float, jobs: int) -> tuple[float, float]:
    """Share of hits, and the mean number of living entries seen by arrivals, by playing it through."""
    chance, now, hits, seen = random.Random(4), 0.0, 0, 0
    weights = [(key + 1) ** -0.8 for key in range(keys)]
    expires: dict[int, float] = {}
    for job, key in enumerate(chance.choices(range(keys), weights, k=jobs)):
        now += chance.expovariate(rate)
        if expires.get(key, 0.0) > now:
            hits += 1
        else:
            expires[key] = now + ttl
        if job % 100 == 99:
            seen += sum(end > now for end in expires.values())
    return hits / jobs, seen / (jobs // 100)


@pytest.mark.parametrize("ttl", [60, 300])
def test_a_cache_takes_its_hits_off_the_queue(tmp_path, capsys, ttl):
    [one] = ask(tmp_path, capsys, FLEET, "--cache", f"email={ttl}s", "--keys", "200")
    row = one["queues"][0]
    hits, entries = hits_of_a_cache(2.0, 200, ttl, 60_000)
    assert row["hit_ratio"] == pytest.approx(hits, abs=0.01)
    assert row["cache_entries"] == pytest.approx(entries, rel=0.03)
    assert row["wait_seconds"]["mean"] == pytest.approx(mean_wait(9, 2.0 * (1 - row["hit_ratio"]), 1.0))


def item_seconds(batch: int, fixed: float, count: int) -> float:
    """Mean time of an item from arrival to the end of its batch, one worker, by SimPy."""
    chance, environment, done = random.Random(9), simpy.Environment(), []
    slot = simpy.Resource(environment, 1)

    def work(items: list[float]):
        with slot.request() as turn:
            yield turn
            yield environment.timeout(fixed + sum(chance.expovariate(1 / 0.6) for _ in items))
        done.extend(environment.now - item for item in items)

    def arrive():
        items: list[float] = []
        for _ in range(count):
            yield environment.timeout(chance.expovariate(1.0))
            items.append(environment.now)
            if len(items) == batch:
                environment.process(work(items))
                items = []

    environment.process(arrive())
    environment.run()
    return sum(done) / len(done)


@pytest.mark.parametrize("items", [2, 10])
def test_batches_take_what_simpy_says(tmp_path, capsys, items):
    text = "queues: [{name: q, jobs_per_hour: 3600, service: {law: exponential, mean: 900ms}}]\n"
    [one] = ask(tmp_path, capsys, text, "--batch", f"q={items}", "--batch-fixed", "300ms")
    row = one["queues"][0]
    assert row["items_per_hour"] == pytest.approx(3600)
    assert row["items_per_hour_at_most"] == pytest.approx(3600 * items / (0.3 + 0.6 * items), rel=1e-6)
    assert row["item_seconds"] == pytest.approx(item_seconds(items, 0.3, 400_000), rel=0.03)


def test_a_batch_of_one_is_the_queue_as_it_is(tmp_path, capsys):
    plain, one = ask(tmp_path, capsys, FLEET), ask(tmp_path, capsys, FLEET, "--batch", "email=1")
    assert waits(one) == waits(plain)


def test_compressed_payloads_take_as_much_of_redis_as_redis_says(tmp_path, capsys):
    text = "queues: [{name: q, slots: 3, jobs_per_hour: 9000, service: {law: exponential, mean: 1s}}]\n"
    found = ask(tmp_path, capsys, text, "--compressed", "q=1,0.25", "--payload", "20KB")
    jobs = 2.5 * (mean_wait(3, 2.5, 1.0) + 1.0)  # Little
    server = Server("redis7", tmp_path / "redis").start()
    try:
        client = server.client()
        for one, size in zip(found, (20_000, 5_000), strict=True):
            row = one["queues"][0]
            assert row["payload_bytes"] == size
            assert row["payload_bytes_per_second"] == pytest.approx(2 * 2.5 * size)
            assert row["payload_bytes_in_redis"] == pytest.approx(jobs * size)
            client.hset("bull:q:1", mapping={"name": "send", "data": ""})
            bare = client.memory_usage("bull:q:1")
            client.hset("bull:q:1", "data", "x" * size)
            assert client.memory_usage("bull:q:1") - bare == pytest.approx(size, rel=0.05)
    finally:
        server.stop()


@pytest.mark.parametrize(
    "arrivals",
    [
        "{process: renewal, interval: {law: gamma, mean: 500ms, scv: 0.25}}",
        "{process: renewal, interval: {law: hyperexponential, p: [0.9, 0.1], means: [200ms, 3s]}}",
        "{process: batch_poisson, batches_per_second: 1, sizes: [1, 4], p: [0.5, 0.5]}",
        "{process: mmpp, per_second: [1, 5], switch_per_second: [0.1, 0.1]}",
    ],
)
def test_a_thinned_stream_waits_as_one_whose_jobs_were_struck_out(tmp_path, capsys, arrivals):
    """Half of the drawn arrivals are struck out by a coin, and Lindley's recursion gives their waits on one slot."""
    text = (
        f"queues: [{{name: q, arrivals: {arrivals}, service: {{law: exponential, mean: 500ms}}}}]\n"
        "today: [{name: q}]\n"
    )
    [one] = ask(tmp_path, capsys, text, "--moved", "0.5")
    chance = np.random.default_rng(5)
    times = drawn(arrivals, chance, 1_200_000)
    kept = times[chance.random(len(times)) < 0.5]
    work = chance.exponential(0.5, len(kept))
    steps = np.append(0.0, np.cumsum(work[:-1] - np.diff(kept)))
    wait = steps - np.minimum.accumulate(steps)
    assert waits([one])[0] == pytest.approx(wait.mean(), rel=0.04)


def drawn(arrivals: str, chance: np.random.Generator, count: int) -> np.ndarray:
    if "gamma" in arrivals:
        return np.cumsum(chance.gamma(4.0, 0.125, count))
    if "hyper" in arrivals:
        return np.cumsum(chance.exponential(np.where(chance.random(count) < 0.9, 0.2, 3.0)))
    if "batch" in arrivals:
        sizes = chance.choice([1, 4], count // 2)
        return np.repeat(np.cumsum(chance.exponential(1.0, count // 2)), sizes)
    lengths = chance.exponential(10.0, 2 * (count // 60))
    ends = np.cumsum(lengths)
    counts = chance.poisson(lengths * np.tile([1.0, 5.0], count // 60))
    return np.sort(
        np.repeat(ends - lengths, counts) + np.repeat(lengths, counts) * chance.random(counts.sum())
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--contracts", "75,0"], "--contracts 75,0: write whole numbers above 0"),
        (["--lost-workers", "-1"], "--lost-workers -1: write whole numbers from 0 on"),
        (["--moved", "2"], "--moved 2: write shares from 0 to 1"),
        (["--cache", "email=60s"], "say with --keys N"),
        (["--cache", "email=x", "--keys", "9"], "'x' is not a duration"),
        (["--cache", "emal=60s", "--keys", "9"], "--cache emal: no queue 'emal'; there are email, reports"),
        (["--batch", "email"], "--batch email: write QUEUE=VALUES, such as email=1..100:33"),
        (["--batch", "email=0"], "write whole numbers from 1 to 10000"),
        (["--batch", "email=2", "--batch-fixed", "2s"], "2 s spent once are not below the service of 1 s"),
        (["--compressed", "email=1"], "say with --payload BYTES"),
        (["--compressed", "email=2", "--payload", "1KB"], "shares above 0 up to 1"),
        (["--compressed", "email=1", "--payload", "nan"], "--payload nan: write a size above 0"),
        (["--set", "email.service={law: [}"], "not YAML"),
        (["--set", "email.concurrency=1..99999999999"], "at most 1000 are tried"),
    ],
)  # fmt: skip
def test_a_wrong_change_is_one_line(tmp_path, capsys, options, expected):
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    assert main(["whatif", str(path), *options]) == 2
    out = capsys.readouterr()
    assert out.out == "" and expected in out.err and out.err.count("\n") == 1


def test_traffic_moves_only_where_there_is_a_fleet_of_today(tmp_path, capsys):
    path = tmp_path / "fleet.yaml"
    path.write_text("queues: [{name: q, jobs_per_hour: 1}]\n")
    assert main(["whatif", str(path), "--moved", "0.5"]) == 2
    assert "the file has no today:" in capsys.readouterr().err
