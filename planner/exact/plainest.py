"""Knows which laws are plainer ones in disguise, so that the exact methods of the plain ones answer them too."""

from dataclasses import replace

from planner.laws.named import Deterministic, Discrete, Exponential, Gamma, IoThenCpu, Law, Mixture, Weibull
from planner.workload import Workload


def plainest(law: Law) -> Law:
    """The same law, written as plainly as can be."""
    if isinstance(law, Gamma | Weibull) and law.shape == 1.0:
        return Exponential(law.mean)
    if isinstance(law, Discrete):
        return Deterministic(law.values[0]) if len(set(law.values)) == 1 else law
    if isinstance(law, Mixture):
        drawn = [(p, plainest(part)) for p, part in zip(law.p, law.laws, strict=True) if p > 0.0]
        if all(part == drawn[0][1] for _, part in drawn):
            return drawn[0][1]
        return Mixture(tuple(p for p, _ in drawn), tuple(part for _, part in drawn))
    return law


def plainly(workload: Workload) -> Workload:
    """The workload with its service and its patience as plain as can be."""
    service = workload.service
    if isinstance(service, IoThenCpu):
        service = IoThenCpu(plainest(service.io), plainest(service.cpu))
    else:
        service = plainest(service)
    patience = plainest(workload.patience) if workload.patience else None
    return replace(workload, service=service, patience=patience)
