"""Which methods a task is explained by, in groups that can be chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import shapiq_peers
from boosted import BOOSTED, explain_boosted
from fastshap import explain_fastshap
from leverage import explain_leverage, explain_leverage_one
from libraries import explain_kernel, explain_kernel_one, explain_lime, explain_permutation
from measures import Result
from parts import DEFAULT, MOST_SEARCHED, Parts, Search, explain_parts
from surrogates import explain_surrogates
from targets import BUDGET
from tasks import Task
from whole import FAST, ONE_ROUND, explain_meta, fit_meta, has_speeds, support_of

AT_FIT = ("meta", "fast", "parts", "boosted", "surrogates", "fastshap")
PER_ROW = ("kernel", "kernel-one", "permutation", "leverage", "shapiq", "lime")
GROUPS = (*AT_FIT, *PER_ROW, "speed")
BUDGETS = (100, 800, 1600)
_BY_BUDGET = {
    "kernel": (explain_kernel,),
    "kernel-one": (explain_kernel_one,),
    "permutation": (explain_permutation,),
    "leverage": (explain_leverage, explain_leverage_one),
}


def explain_all(
    task: Task,
    groups: set[str],
    n_support: tuple[int, ...],
    pretrained: str,
    peer_budgets: tuple[int, ...] = BUDGETS,
) -> Iterator[Result]:
    """Explain a task's rows by every method of the chosen groups.

    Parameters
    ----------
    task : Task
    groups : set of str
        Some of `GROUPS`.
    n_support : tuple of int
        Evaluations at fit.
    pretrained : str
        Networks of MetaExplainer.
    peer_budgets : tuple of int
        Evaluations a row of leverage scores and of shapiq.
    """
    search = None
    for n_evaluations in n_support if groups & set(AT_FIT) else ():
        made: dict[str, Result] = {}
        for result in _at_fit(task, groups, n_evaluations, pretrained, search, made):
            if isinstance(result, Search):
                search = result
            else:
                yield result
    for group, methods in _BY_BUDGET.items():
        budgets = peer_budgets if group == "leverage" else BUDGETS
        for budget in budgets if group in groups else ():
            results = (explain(task, budget) for explain in methods)
            yield from _of_group(group, (result for result in results if result is not None))
    if "shapiq" in groups and shapiq_peers.is_installed():
        for budget in peer_budgets:
            yield from _of_group("shapiq", shapiq_peers.explain_shapiq(task, budget))
    if "lime" in groups:
        yield from _of_group("lime", [explain_lime(task)])


def _at_fit(
    task: Task,
    groups: set[str],
    n_evaluations: int,
    pretrained: Any,
    search: Search | None,
    made: dict[str, Result],
) -> Iterator[Result | Search]:
    """What learns from evaluated hybrids; also yields a search for those that come after."""

    def tell(group: str, results: Iterable[Result]) -> Iterator[Result]:
        for result in _of_group(group, results):
            made[result.method] = result
            if group in groups:
                yield result

    if "meta" in groups:
        fitted = fit_meta(task, n_evaluations, pretrained)
        yield from tell("meta", (explain_meta(task, fitted, at) for at in (0, BUDGET)))
    if groups & {"parts", "boosted", "surrogates"}:
        # Others learn from hybrids that nobody chose with MetaExplainer's surrogates in view.
        drawn = fit_meta(task, n_evaluations, pretrained, n_rounds=1)
        support = support_of(task, drawn)
        parts = Parts(task, drawn.explainer, support)
        if "parts" in groups:
            yield from tell("parts", [explain_meta(task, drawn, 0, ONE_ROUND)])
            if search is None or n_evaluations <= MOST_SEARCHED:
                search = parts.search()
                yield search
            yield from tell("parts", explain_parts(parts, pretrained, search))
        if groups & {"boosted", "surrogates"}:
            yield from tell("boosted", [explain_boosted(task, support)])
        if "surrogates" in groups:
            process = made[DEFAULT] if DEFAULT in made else parts.default_process()[0]
            peers = explain_surrogates(task, support, process, made[BOOSTED])
            yield from tell("surrogates", peers)
    if "fast" in groups and has_speeds():
        fast = fit_meta(task, n_evaluations, pretrained, speed="fast")
        yield from tell("fast", [explain_meta(task, fast, 0, FAST)])
    if "fastshap" in groups:
        yield from tell("fastshap", [explain_fastshap(task, n_evaluations)])


def _of_group(group: str, results: Iterable[Result]) -> Iterator[Result]:
    for result in results:
        result.group = group
        yield result
