"""A workload made from life: from a trace, an exporter, a Prometheus or kept jobs."""
