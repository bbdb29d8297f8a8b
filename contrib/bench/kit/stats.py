"""Medians with an interval."""
import random
import statistics


def bootstrap(values, times=2000):
    """The median and the interval that holds it in 95 of 100 resamplings. Seeded: the same in, the same out."""
    middle = statistics.median(values)
    if len(values) < 3:
        return middle, min(values), max(values)
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(times))
    return middle, medians[int(times * 0.025)], medians[int(times * 0.975) - 1]


def ratios(costs, ours, peer):
    """How many times as fast as the peer we are: its cost by ours, per round."""
    return bootstrap([theirs / mine for mine, theirs in zip(costs[ours], costs[peer]) if mine and theirs])
