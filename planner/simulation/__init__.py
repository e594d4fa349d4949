"""Queues that are answered by running jobs: replications, kernels, the controls beside them."""
