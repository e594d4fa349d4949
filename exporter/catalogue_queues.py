"""This file knows every metric that each queue has. `exporter/catalogue.py` holds all."""

from exporter import groups as g
from exporter.metric import Kind, Metric
from exporter.settings import DURATION_BUCKETS, PAYLOAD_BUCKETS

JOB_STATES = (
    "waiting",
    "paused",
    "prioritized",
    "active",
    "delayed",
    "waiting_children",
    "completed",
    "failed",
)

_DURATIONS = tuple(float(edge) for edge in DURATION_BUCKETS)
_SIZES = tuple(float(edge) for edge in PAYLOAD_BUCKETS)
GAUGE, COUNTER, HISTOGRAM = Kind.GAUGE, Kind.COUNTER, Kind.HISTOGRAM


def _queue(
    group: g.Group, name: str, kind: Kind, text: str, *labels: str, buckets: tuple[float, ...] = ()
) -> Metric:
    return Metric(group, name, kind, text, labels, per_queue=True, buckets=buckets)


SIZE = _queue(
    g.SIZES,
    "queue_size",
    GAUGE,
    "Jobs in each state, every job in one state only. Source: LLEN and ZCARD of the state's list or set, markers "
    "taken off.",
    "state",
)
JOB_DURATION = _queue(
    g.DURATIONS,
    "queue_job_duration_seconds",
    HISTOGRAM,
    "Working time of each attempt by how it ended; requeued is a retry, a move to delayed or a rate limit. Time "
    "until a stall was found is left out. Source: event stream (BullMQ), pub/sub (Bull).",
    "job_type",
    "status",
    buckets=_DURATIONS,
)
JOB_WAIT = _queue(
    g.WAITS,
    "queue_job_wait_seconds",
    HISTOGRAM,
    "Time from ready to first start; a delayed job is ready when it falls due. Source: event stream (BullMQ), "
    "pub/sub (Bull).",
    buckets=_DURATIONS,
)
JOB_DURATION_SQUARE = _queue(
    g.DURATIONS,
    "queue_job_duration_square_seconds_total",
    COUNTER,
    "Sum of squares of all attempts' working times, for their variability. Source: as queue_job_duration_seconds.",
)
ARRIVAL_SQUARE = _queue(
    g.WAITS,
    "queue_job_arrival_interval_square_seconds_total",
    COUNTER,
    "Sum of squares of the intervals between jobs becoming ready for the first time. Source: as "
    "queue_job_wait_seconds.",
)
PROCESSED = _queue(
    g.TOTALS,
    "queue_jobs_processed_total",
    COUNTER,
    "Jobs that ended: completed, or failed with no attempt left. Source: event stream (BullMQ), pub/sub (Bull).",
    "status",
)
ADDED = _queue(
    g.TOTALS,
    "queue_jobs_added_total",
    COUNTER,
    "Calls that added a job, duplicates and scheduled runs included. Source: the queue's id counter.",
)
REQUEUED = _queue(
    g.TOTALS,
    "queue_jobs_requeued_total",
    COUNTER,
    "Attempts after which the job went back: to delayed, to waiting, to waiting for children, or because it had "
    "stalled. Source: event stream (BullMQ), pub/sub (Bull).",
    "reason",
)
PAUSED = _queue(g.SIZES, "queue_paused", GAUGE, "1 while the queue is paused. Source: meta, meta-paused.")
RATE_LIMITED = _queue(
    g.LIMITS,
    "queue_rate_limited",
    GAUGE,
    "1 while a rate limit holds jobs back; absent when only the workers know the limit. Source: limiter, meta.",
)
OLDEST_WAITING = _queue(
    g.AGES,
    "queue_oldest_waiting_timestamp_seconds",
    GAUGE,
    "When the job that is ready for longest became ready: in wait, paused, prioritised or overdue in delayed. "
    "Source: events, else the job hash (timestamp, delay).",
)
OLDEST_ACTIVE = _queue(
    g.AGES,
    "queue_oldest_active_timestamp_seconds",
    GAUGE,
    "When the job that is active for longest was started. Source: events, else the job hash (processedOn).",
)
NEXT_DELAYED = _queue(
    g.AGES,
    "queue_next_delayed_timestamp_seconds",
    GAUGE,
    "When the next delayed job falls due. Source: first of delayed.",
)
DELAYED_OVERDUE = _queue(
    g.AGES,
    "queue_delayed_overdue",
    GAUGE,
    "Delayed jobs that are due and not promoted yet. Source: ZCOUNT of delayed.",
)
ACTIVE_UNLOCKED = _queue(
    g.AGES,
    "queue_active_unlocked",
    GAUGE,
    "Active jobs without a lock, among the 1,000 oldest: their worker is gone. Source: EXISTS of the locks, twice.",
)
WORKERS = _queue(
    g.CONNECTIONS,
    "queue_workers",
    GAUGE,
    "Worker objects connected, whatever their concurrency. Source: names in CLIENT LIST.",
)
WORKERS_SATURATED = _queue(
    g.CONNECTIONS,
    "queue_workers_saturated",
    GAUGE,
    "Workers with no free slot at this moment. Source: flags in CLIENT LIST.",
)
CONCURRENCY_LIMIT = _queue(
    g.LIMITS,
    "queue_concurrency_limit",
    GAUGE,
    "Global limit of active jobs; absent when there is none. Source: meta.",
)
RATE_LIMIT_JOBS = _queue(
    g.LIMITS,
    "queue_rate_limit_jobs",
    GAUGE,
    "Global limit of starts per window; absent when there is none. Source: meta.",
)
RATE_LIMIT_WINDOW = _queue(
    g.LIMITS,
    "queue_rate_limit_window_seconds",
    GAUGE,
    "Window of the global rate limit; absent when none. Source: meta.",
)
SCHEDULERS = _queue(
    g.AGES, "queue_schedulers", GAUGE, "Job schedulers and repeatable definitions. Source: ZCARD of repeat."
)
SCHEDULERS_OVERDUE = _queue(
    g.AGES,
    "queue_schedulers_overdue",
    GAUGE,
    "Schedulers whose next run is more than 60 s in the past: they have stopped. Source: ZCOUNT of repeat.",
)
SCHEDULER_NEXT_RUN = _queue(
    g.AGES,
    "queue_scheduler_next_run_timestamp_seconds",
    GAUGE,
    "Earliest next run of a scheduler. Source: first of repeat.",
)
PAYLOAD = _queue(
    g.PAYLOADS,
    "queue_job_payload_bytes",
    HISTOGRAM,
    "Size of the data of a sample of jobs as they arrive; the data itself is never read. Source: HSTRLEN.",
    buckets=_SIZES,
)
INFO = _queue(
    g.SIZES,
    "queue_info",
    GAUGE,
    "1; which library and version owns the queue and where durations come from. Source: meta, type of events.",
    "library",
    "version",
    "duration_source",
)
EVENTS_LOST = _queue(
    g.TOTALS,
    "queue_events_lost_total",
    COUNTER,
    "What could not be seen: stream entries trimmed before they were read, messages missed while disconnected, "
    "attempts whose length can't be known (unknown_start). A reason whose number can't be told is absent. "
    "Source: XINFO STREAM.",
    "reason",
)
EVENTS_GAPS = _queue(
    g.TOTALS,
    "queue_events_gaps_total",
    COUNTER,
    "Times that events may have been missed without a way to tell how many. Source: XINFO STREAM, reconnections.",
)
EVENTS_LAG = _queue(
    g.TOTALS,
    "queue_events_lag_seconds",
    GAUGE,
    "How far reading is behind the queue's events. Source: id of the last entry read.",
)
