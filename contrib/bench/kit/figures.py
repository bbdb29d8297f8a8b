"""What was measured beside what was wanted: the rows of a table, and whether all is well."""
import dataclasses
import statistics

from . import stats


@dataclasses.dataclass
class Figure:
    name: str
    value: object          # a number, or a word
    unit: str = ""
    most: float = None     # the target: at most this
    least: float = None    # the target: at least this
    wanted: object = None  # the target: this and nothing else
    more: str = ""         # what else is to know: an interval, the worst

    @property
    def met(self):
        """None where there is no target."""
        if self.wanted is not None:
            return self.value == self.wanted
        if self.least is not None:
            return self.value >= self.least
        return None if self.most is None else self.value <= self.most

    def target(self):
        if self.wanted is not None:
            return shown(self.wanted)
        if self.least is not None:
            return f"≥ {shown(self.least)}"
        return "" if self.most is None else f"≤ {shown(self.most)}"


def shown(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def times(name, seconds, most_worst=None):
    """The median and the worst of some times, in milliseconds; the target is the worst's."""
    return Figure(f"{name}, worst", max(seconds) * 1e3, "ms", most=most_worst,
                  more=f"median {shown(statistics.median(seconds) * 1e3)} ms of {len(seconds)}")


def middle(name, seconds, most=None):
    """Likewise, where neighbours decide about the worst: the target is the median's."""
    return Figure(f"{name}, median", statistics.median(seconds) * 1e3, "ms", most=most,
                  more=f"worst {shown(max(seconds) * 1e3)} ms of {len(seconds)}")


def ratio(name, pairs, most=None):
    """The median of b by that of a over pairs (a, b), with the interval of its bootstrap."""
    middle, low, high = stats.growth(pairs)
    base, other = (statistics.median(column) for column in zip(*pairs))
    return Figure(name, middle, "×", most=most,
                  more=f"[{low:.2f}, {high:.2f}] of {len(pairs)} pairs, {base:,.0f} → {other:,.0f} µs")


def print_table(title, figures):
    print(f"\n{title}")
    for one in figures:
        verdict = {None: "", True: "met", False: "MISSED"}[one.met]
        print(f"  {one.name:48}{shown(one.value):>10} {one.unit:4}{one.target():>9}  {verdict:7}{one.more}".rstrip(),
              flush=True)
