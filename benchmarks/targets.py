"""What the benchmark is meant to show, and whether it does."""

from __future__ import annotations

from collections.abc import Iterator

import libraries
import numpy as np
import pandas as pd
import speed
from boosted import BOOSTED
from measures import Target, geometric_mean, side_by_side, split_by_truth
from parts import LEARNED, SEARCHED, STACK, UNTRAINED
from peer_targets import interval_targets, peer_targets, speed_targets
from whole import META, ONE_ROUND

from sklearn_metaexplain.nets._corrector import MOST_CORRECTED

BUDGET = 100
KERNEL_BUDGET = 1600


def check_targets(results: pd.DataFrame, timings: pd.DataFrame) -> list[Target]:
    """Compare what was measured with the targets.

    Methods are compared on the tasks that both have; what was not measured is left out.

    Parameters
    ----------
    results : DataFrame
        Lines of `measures.record`; only those whose truth was enumerated count.
    timings : DataFrame
        Lines of `speed.measure_speed`.
    """
    results, _ = split_by_truth(results)
    targets: list[Target] = []
    for n_support in sorted(set(results.get("n_support", []))):
        if n_support > 0:
            targets += _at_fit(results, int(n_support))
            targets += peer_targets(results, int(n_support))
            targets += interval_targets(results, int(n_support))
    return [*targets, *_of_speed(timings), *speed_targets(timings)]


def _at_fit(results: pd.DataFrame, n_support: int) -> Iterator[Target]:
    def of(method: str, budget: int = 0, at: int = n_support) -> dict[str, object]:
        return {"method": method, "n_support": at, "budget": budget}

    def ratio_of_means(one: dict, other: dict, column: str = "error") -> tuple[float, str]:
        both = side_by_side(results, one, other, column)
        if both.empty:
            return float("nan"), ""
        means = both.mean()
        detail = f"{means['one']:.4g} / {means['other']:.4g} on {len(both)} tasks"
        return means["one"] / means["other"], detail

    def target(
        text: str, ratio: tuple[float, str], limit: float, *, at_least: bool = False
    ) -> Iterator[Target]:
        if ratio[1]:
            yield Target(text, ratio[0], limit, at_least=at_least, detail=ratio[1])

    at = f"at {n_support}"
    yield from target(
        f"{META} / HGB surrogate, mean error, {at}", ratio_of_means(of(META), of(BOOSTED)), 0.7
    )
    yield from target(
        f"meta-trained kernel / likelihood search, mean error of the GP, {at}",
        ratio_of_means(of(LEARNED), of(SEARCHED)),
        1.0,
    )
    if n_support <= 2048:
        yield from target(
            f"meta-trained kernel / likelihood search, seconds, {at}",
            ratio_of_means(of(LEARNED), of(SEARCHED), "seconds_kernel"),
            0.1,
        )
        # The kernel is one part of fit, and what is waited for is the whole.
        yield from target(
            f"whole fit, times faster than with a likelihood search (pretrained=None), both with "
            f"n_rounds=1, {at}",
            ratio_of_means(of(UNTRAINED), of(ONE_ROUND), "seconds_fit"),
            5.0,
            at_least=True,
        )
    both = side_by_side(results, of(ONE_ROUND), of(STACK))
    if len(both) and n_support <= MOST_CORRECTED:
        lower = int((both["one"] < both["other"]).sum())
        measured = geometric_mean(both["one"] / both["other"])
        detail = f"lower on {lower} of {len(both)} tasks"
        if np.allclose(both["one"], both["other"], rtol=1e-9):
            measured, detail = float("nan"), "no correction: do the weights hold a corrector?"
        limit = 0.85 if n_support == 512 else 1.0
        yield Target(
            f"with / without corrector, geometric mean, {at}", measured, limit, detail=detail
        )
    for rival in (libraries.KERNEL, libraries.KERNEL_ONE):
        text = f"{META} with budget {BUDGET} / {rival}, {KERNEL_BUDGET}, mean error, {at}"
        ratio = ratio_of_means(of(META, BUDGET), of(rival, KERNEL_BUDGET, at=0))
        yield from target(text, ratio, 1.0)


def _of_speed(timings: pd.DataFrame) -> Iterator[Target]:
    if timings.empty:
        return
    seconds = timings.set_index(["method", "n_background"])["seconds_per_1000"]
    for n_background in speed.BACKGROUNDS:
        ours = seconds[speed.META, n_background]
        rivals = ((speed.KERNEL, n_background, 100.0), (speed.LIME, 0, 30.0))
        for rival, rival_background, limit in rivals:
            theirs = seconds[rival, rival_background]
            yield Target(
                f"times faster than {rival}, {n_background} background rows",
                theirs / ours,
                limit,
                at_least=True,
                detail=f"{theirs:.4g} s / {ours:.4g} s for 1,000 rows",
            )
