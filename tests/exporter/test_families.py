"""What our page writer says is what prometheus-client would say of the same samples."""

import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.utils import floatToGoString

from exporter import catalogue
from exporter.families import Page, labels
from exporter.following.tally import Histogram

# Surrogates can't stand in UTF-8; everything else may be in the name of a queue.
names = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
durations = st.lists(st.floats(0, 1e6), max_size=30)


class Families:
    """A registry's collector over families that are there already."""

    def __init__(self, families):
        self._families = list(families)

    def collect(self):
        return self._families


def page_of(prefix: str, queue: str, job_type: str, seconds: list[float], size: float) -> Page:
    page = Page()
    rendered = labels({"prefix": prefix, "queue": queue})
    page.add(catalogue.SIZE, f'{rendered},state="waiting"', size)
    page.add(catalogue.PROCESSED, f'{rendered},status="completed"', len(seconds))
    page.add(catalogue.OLDEST_WAITING, rendered, None)
    histogram = Histogram(catalogue.JOB_DURATION.buckets)
    for value in seconds:
        histogram.observe(value)
    page.add_histogram(
        catalogue.JOB_DURATION,
        f"{rendered},{labels({'job_type': job_type, 'status': 'completed'})}",
        histogram,
    )
    page.add(catalogue.REDIS_UP, "", 1)
    return page


def samples(families):
    return sorted((s.name, sorted(s.labels.items()), s.value) for family in families for s in family.samples)


@given(names, names, names, durations, st.floats(0, 1e15))
def test_the_text_page_says_what_the_library_would_say(prefix, queue, job_type, seconds, size):
    text = page_of(prefix, queue, job_type, seconds, size).render(openmetrics=False).decode()
    families = list(text_string_to_metric_families(text))
    registry = CollectorRegistry()
    registry.register(Families(families))
    again = text_string_to_metric_families(generate_latest(registry).decode())
    assert samples(families) == samples(again)
    found = {s.labels["queue"] for family in families for s in family.samples if "queue" in s.labels}
    assert found == {queue}


@given(names, names, names, durations, st.floats(0, 1e15))
def test_the_openmetrics_page_says_what_the_library_would_say(prefix, queue, job_type, seconds, size):
    text = page_of(prefix, queue, job_type, seconds, size).render(openmetrics=True).decode()
    families = list(openmetrics_parser.text_string_to_metric_families(text))
    registry = CollectorRegistry()
    registry.register(Families(families))
    again = openmetrics_parser.text_string_to_metric_families(generate_openmetrics(registry).decode())
    assert samples(families) == samples(again)


def test_buckets_add_up_to_the_count():
    text = page_of("bull", "q", "t", [0.001, 0.02, 3.0, 5000.0], 1).render(openmetrics=False).decode()
    (family,) = [f for f in text_string_to_metric_families(text) if f.name == "queue_job_duration_seconds"]
    buckets = {float(s.labels["le"]): s.value for s in family.samples if s.name.endswith("_bucket")}
    assert (buckets[0.005], buckets[0.025], buckets[5.0], buckets[1800.0], buckets[math.inf]) == (
        1,
        2,
        3,
        3,
        4,
    )
    assert [s.value for s in family.samples if s.name.endswith("_count")] == [4]


@given(st.floats(1e-4, 1e15))
def test_a_bucket_edge_is_written_as_the_library_writes_it(edge):
    page = Page()
    page.add_histogram(catalogue.ROUND_TRIP, "", Histogram((edge,)))
    assert f'le="{floatToGoString(edge)}"' in page.render(openmetrics=False).decode()


def test_an_unknown_value_is_absent():
    assert "oldest_waiting" not in page_of("bull", "q", "t", [], 1).render(openmetrics=False).decode()


def test_every_metric_has_help_without_quotes_and_a_known_name_for_its_type():
    for metric in catalogue.METRICS:
        assert metric.help and '"' not in metric.help and "\n" not in metric.help
        assert metric.name.endswith("_total") == (metric.kind is catalogue.Kind.COUNTER), metric.name
        assert bool(metric.buckets) == (metric.kind is catalogue.Kind.HISTOGRAM), metric.name
