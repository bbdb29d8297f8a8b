"""Medians with an interval."""
import random
import statistics


def bootstrap(values, times=2000, figure=statistics.median):
    """A figure of the values, and the interval that holds it in 95 of 100 resamplings. Seeded: the same in, the same
    out."""
    middle = figure(values)
    if len(values) < 3:
        figures = [figure([one]) for one in values]
        return middle, min(figures), max(figures)
    chance = random.Random(1)
    figures = sorted(figure(chance.choices(values, k=len(values))) for _ in range(times))
    return middle, figures[int(times * 0.025)], figures[int(times * 0.975) - 1]


def growth(pairs):
    """The median of what b is by that of what a is, over pairs (a, b) that were measured one after the other."""
    return bootstrap(pairs, figure=lambda some: statistics.median(b for _, b in some) / statistics.median(a for a, _ in some))


def ratios(costs, ours, peer):
    """How many times as fast as the peer we are: its cost by ours, per round."""
    return bootstrap([theirs / mine for mine, theirs in zip(costs[ours], costs[peer]) if mine and theirs])
