"""Knows the chain of two_phase.py as compiled loops, fifteen times as fast: the same steps, no library calls.

All systems solved here are M-matrices (positive diagonal, nothing positive beside it, positive inverse), so
elimination needs no pivots (Berman & Plemmons 1979).
"""

import numpy as np
from numpy.typing import NDArray

from planner.acceleration import compiled

Floats = NDArray[np.float64]
# Matrices that `solve` works in, each `size` by 3·size.
ROOMS = 6


@compiled
def _window(slow_share: float, deviations: float, margin: float, busy: int) -> tuple[int, int]:
    """Fewest and most slow ones among `busy` slots."""
    reach = deviations * np.sqrt(busy * slow_share * (1.0 - slow_share)) + margin
    return max(0, int(busy * slow_share - reach)), min(busy, int(busy * slow_share + reach) + 1)


@compiled
def _copy(source: Floats, target: Floats, count: int) -> None:
    """Assigning slices would allocate, which kernels can't (docs/decisions/0102)."""
    for i in range(count):
        target[i] = source[i]


@compiled
def _eliminate(system: Floats, size: int, width: int) -> None:
    """Solve in place: the left `size` columns are the matrix, the others up to `width` become the solutions."""
    for k in range(size):
        pivot = system[k]
        for i in range(k + 1, size):
            row = system[i]
            factor = row[k] / pivot[k]
            if factor != 0.0:
                for j in range(width):
                    row[j] -= factor * pivot[j]
    for k in range(size - 1, -1, -1):
        pivot = system[k]
        scale = 1.0 / pivot[k]
        for j in range(width):
            pivot[j] *= scale
        for i in range(k):
            row = system[i]
            factor = row[k]
            if factor != 0.0:
                for j in range(width):
                    row[j] -= factor * pivot[j]


@compiled
def _passage(arrival_rate: float, fall: Floats, done: Floats, rooms: Floats) -> None:
    """G, the chances of the state one job fewer is reached in, by logarithmic reduction; into rooms[0].

    `fall` holds the rates of one job fewer, all slots staying busy, and is overwritten.
    """
    size = len(done)
    passage, rise, through, system, product = rooms[0], rooms[1], rooms[2], rooms[3], rooms[4]
    for i in range(size):
        out = arrival_rate + done[i]
        for j in range(size):
            fall[i, j] /= out
            passage[i, j] = fall[i, j]
            rise[i, j] = through[i, j] = 0.0
        rise[i, i] = through[i, i] = arrival_rate / out
    for _ in range(60):
        for i in range(size):
            row = system[i]
            row[: 3 * size] = 0.0
            row[i] = 1.0
            for k in range(size):
                up, down, ups, downs = rise[i, k], fall[i, k], rise[k], fall[k]
                for j in range(size):
                    row[j] -= up * downs[j] + down * ups[j]
                    row[size + j] += up * ups[j]
                    row[2 * size + j] += down * downs[j]
        _eliminate(system, size, 3 * size)
        left = 0.0
        for i in range(size):
            for j in range(size):
                rise[i, j], fall[i, j] = system[i, size + j], system[i, 2 * size + j]
        for i in range(size):
            row = product[i]
            row[:size] = 0.0
            reached = passage[i]
            for k in range(size):
                share, ups, downs = through[i, k], rise[k], fall[k]
                for j in range(size):
                    reached[j] += share * downs[j]
                    row[j] += share * ups[j]
        for i in range(size):
            total = 0.0
            for j in range(size):
                through[i, j] = product[i, j]
                total += product[i, j]
            left = max(left, total)
        if left < 1e-9:
            break


@compiled
def solve(
    arrival_rate: float,
    slow: float,
    fast_mean: float,
    slow_mean: float,
    slots: int,
    shape: tuple[float, float, float],
    times: Floats,
    rooms: Floats,
    found: Floats,
) -> None:
    """The mean wait into found[0], P(W > times[k]) into found[k + 1]. Utilisation below 1.

    `shape` holds how many deviations of slow ones, of busy slots, and how many more are kept (two_phase.py).
    """
    load = arrival_rate * ((1.0 - slow) * fast_mean + slow * slow_mean)
    share = arrival_rate * slow * slow_mean / load
    deviations, busy_deviations, margin = shape
    lowest = max(0, min(slots - 1, int(load - busy_deviations * np.sqrt(load) - margin)))

    # All slots busy: completions, and where the next job of the line leads.
    low, high = _window(share, deviations, margin, slots)
    low_below, high_below = _window(share, deviations, margin, slots - 1)
    size = high - low + 1
    fall, done = rooms[5], found[len(times) + 1 : len(times) + 1 + size]
    for i in range(size):
        fall[i, :size] = 0.0
        state = low + i
        done[i] = state / slow_mean + (slots - state) / fast_mean
        for step in range(2):
            rate = state / slow_mean if step else (slots - state) / fast_mean
            left = min(max(state - step, low_below), high_below)
            fall[i, min(max(left + 1, low), high) - low] += rate * slow
            fall[i, min(max(left, low), high) - low] += rate * (1.0 - slow)
    _passage(arrival_rate, fall, done, rooms)
    passage, minus, system = rooms[0], rooms[1], rooms[3]

    # From the fewest busy slots up: minus[:n,:n] is what leaves a level, its last column the time spent below.
    low, high = _window(share, deviations, margin, lowest)
    count = high - low + 1
    weight = rooms[2, 0]
    for i in range(count):
        minus[i, :count] = 0.0
        minus[i, i] = arrival_rate
        weight[i] = 1.0
    for busy in range(lowest, slots):
        low_up, high_up = _window(share, deviations, margin, busy + 1)
        above = high_up - low_up + 1
        for i in range(count):
            row = system[i]
            _copy(minus[i], row, count)
            row[count : count + above + 1] = 0.0
            state = low + i
            row[count + min(max(state + 1, low_up), high_up) - low_up] += arrival_rate * slow
            row[count + min(max(state, low_up), high_up) - low_up] += arrival_rate * (1.0 - slow)
            row[count + above] = weight[i]
        _eliminate(system, count, count + above + 1)
        for i in range(above):
            state = low_up + i
            slow_rate, fast_rate = state / slow_mean, (busy + 1 - state) / fast_mean
            first = system[min(max(state - 1, low), high) - low]
            second = system[min(max(state, low), high) - low]
            row = minus[i]
            for j in range(above):
                row[j] = -slow_rate * first[count + j] - fast_rate * second[count + j]
            row[i] += arrival_rate + slow_rate + fast_rate
            weight[i] = 1.0 + slow_rate * first[count + above] + fast_rate * second[count + above]
        low, high, count = low_up, high_up, above

    # The weights of a full house without a line: what leaves it and what comes back are in balance. They are told in
    # parts of the most usual one's; beside a rare one's they would lose their digits.
    usual = min(max(int(slots * share) - low, 0), size - 1)
    for i in range(size):
        for j in range(size):
            minus[i, j] -= arrival_rate * passage[i, j]
    for i in range(size):
        for j in range(size):
            system[i, j] = minus[j, i]
        system[i, size] = -minus[usual, i]
        system[i, usual] = 0.0
    for j in range(size + 1):
        system[usual, j] = 0.0
    system[usual, usual] = system[usual, size] = 1.0
    _eliminate(system, size, size + 1)
    level = rooms[2, 1]
    for i in range(size):
        level[i] = system[i, size]
    below = 0.0
    for i in range(size):
        below += level[i] * (weight[i] - 1.0)

    # Who waits finds `waiting`; the wait ends as -ending says.
    ending, waiting = rooms[1], rooms[2, 2]
    for i in range(size):
        for j in range(size):
            ending[i, j] = -arrival_rate * passage[i, j]
        ending[i, i] += done[i]
    for i in range(size):
        total = arrival_rate * level[i]
        for j in range(size):
            total += level[j] * ending[j, i]
            system[i, j] = ending[j, i]
        system[i, size] = total
    _eliminate(system, size, size + 1)
    total = below
    for i in range(size):
        waiting[i] = system[i, size]
        total += waiting[i]
    fastest = 0.0
    for i in range(size):
        waiting[i] /= total
        fastest = max(fastest, ending[i, i])
        _copy(ending[i], system[i], size)
        system[i, size] = 1.0
    _eliminate(system, size, size + 1)
    found[0] = 0.0
    for i in range(size):
        found[0] += waiting[i] * system[i, size]
    _tails(ending, waiting, rooms[2, 3], size, fastest, times, found)


@compiled
def _tails(
    ending: Floats,
    waiting: Floats,
    moved: Floats,
    size: int,
    fastest: float,
    times: Floats,
    found: Floats,
) -> None:
    """P(W > t) by ticks of the largest rate: nothing cancels. `waiting` is overwritten."""
    longest = 0.0
    for k in range(len(times)):
        longest = max(longest, times[k] * fastest)
        found[k + 1] = 0.0
    for tick in range(int(longest + 8.0 * np.sqrt(longest) + 12)):
        left = 0.0
        for i in range(size):
            left += waiting[i]
        for k in range(len(times)):
            ticks = times[k] * fastest
            if ticks > 0.0:
                found[k + 1] += left * np.exp(tick * np.log(ticks) - ticks - _log_factorial(tick))
            elif tick == 0:
                found[k + 1] = left
        _copy(waiting, moved, size)
        for i in range(size):
            row, share = ending[i], waiting[i] / fastest
            for j in range(size):
                moved[j] -= share * row[j]
        _copy(moved, waiting, size)


@compiled
def _log_factorial(n: int) -> float:
    """Stirling's series; sure to 1e-12 from 10 on."""
    if n < 10:
        product = 1.0
        for k in range(2, n + 1):
            product *= k
        return float(np.log(product))
    x = float(n)
    series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x**3) + 1.0 / (1260.0 * x**5)
    return float((x + 0.5) * np.log(x) - x + 0.9189385332046727 + series)
