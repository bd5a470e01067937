"""MetaExplainer taken apart, and its meta-trained parts replaced by what they compete with."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any, NamedTuple

import numpy as np
import torch
from measures import Result, Stopwatch
from tasks import Task
from whole import Support, close, sum_to_zero

from sklearn_metaexplain import MetaExplainer
from sklearn_metaexplain.nets._checkpoint import load_pretrained
from sklearn_metaexplain.posthoc._surrogate import TaskSurrogate
from sklearn_metaexplain.shapley._gp import HybridProcess
from sklearn_metaexplain.shapley._kernel import KernelParameters, default_parameters
from sklearn_metaexplain.shapley._network import NetworkBag
from sklearn_metaexplain.shapley._network_shapley import NetworkShapley
from sklearn_metaexplain.shapley._search import search_kernel
from sklearn_metaexplain.shapley._stack import SurrogateStack
from sklearn_metaexplain.shapley._tree_settings import FEW_ROWS

TREES = "trees alone"
NETWORKS = "networks alone"
WITHOUT_NETWORKS = "stack without corrector and networks"
DEFAULT = "GP alone, default kernel"
SEARCHED = "GP alone, kernel by likelihood search"
LEARNED = "GP alone, meta-trained kernel"
STACK = "stack without corrector"
UNTRAINED = "MetaExplainer, n_rounds=1, pretrained=None"
DEFAULT_STACK = "stack with the default kernel, nothing meta-trained"
FIXED_STACK = "stack with the default kernel, lengths fixed too, nothing meta-trained"
# A likelihood search reads no more rows than this many evaluations hold, so that beyond them its
# kernel is taken over.
MOST_SEARCHED = 2048


class Search(NamedTuple):
    """A kernel by likelihood search."""

    kernel: KernelParameters
    seconds: float


class Parts:
    """The surrogates of one fitted MetaExplainer, each with the gap closed.

    Parameters
    ----------
    task : Task
    explainer : MetaExplainer
        Fitted with meta-trained networks.
    support : Support
        What it learned from.
    """

    def __init__(self, task: Task, explainer: MetaExplainer, support: Support) -> None:
        self.task = task
        self.support = support
        self.n_support = explainer.n_support
        self.surrogate: TaskSurrogate = explainer._surrogate_
        self.outputs = self.surrogate.standardise(torch.from_numpy(support.outputs))

    def stack(self) -> Result:
        """The stack without the corrector."""
        uncorrected = self._without_corrector(self.surrogate)
        with Stopwatch() as watch:
            values = self._explain(uncorrected)
        return self._result(STACK, values, watch)

    def trees(self, seconds_fit: float) -> Result:
        """Fold-bagged trees; their gap is closed half equally, half by size."""
        stack = self.surrogate.stack
        with Stopwatch() as watch:
            values = stack.trees.shapley(self.support.rows[..., 1])
            values = values.view(stack.n_outputs, stack.n_folds, *values.shape[1:]).mean(1)
            values = values.permute(1, 2, 0) * self.surrogate.scale.spread
            closed = close(self.task, values.numpy())
        return self._result(TREES, closed, watch, seconds_fit)

    def networks(self) -> tuple[Result, float]:
        """Fold-bagged networks, closed like the trees; also the CPU seconds of their fit.

        They are walked as often as they ever are, whatever their part in the stack calls for.
        """
        center = self.outputs.mean(0)
        limits = self.surrogate.stack.bounds
        bag = NetworkBag(relevance=self.surrogate.stack.network.relevance)
        with Stopwatch() as fit:
            bag.fit(
                self.support.encoded,
                self.outputs - center,
                None if limits is None else limits - center,
            )
        shapley = NetworkShapley(
            bag,
            self.support.background,
            self.support.player_of_column,
            self.task.masked.n_players,
        )
        with Stopwatch() as watch:
            values = shapley(self.support.rows)
            closed = close(self.task, (values * self.surrogate.scale.spread).numpy())
        return self._result(NETWORKS, closed, watch, fit.seconds), fit.seconds

    def without_networks(self) -> Result:
        """The stack of process and trees, without the corrector."""
        alone = self._new_surrogate(hybrids=False, own_lengths=True)
        with Stopwatch() as fit:
            self._fit(alone, self.surrogate.stack.process.kernel.parameters)
        with Stopwatch() as watch:
            values = self._explain(alone)
        return self._result(WITHOUT_NETWORKS, values, watch, fit.seconds)

    def process(
        self, method: str, process: HybridProcess, seconds_fit: float, seconds_kernel: float
    ) -> Result:
        """A Gaussian process, conditioned on the rows' predictions."""
        alone = self._without_corrector(self.surrogate)
        alone.stack = copy(alone.stack)
        alone.stack.process = copy(process).set_background(self.support.background)
        alone.stack.network = None
        alone.stack.weights = torch.tensor([1.0, 0.0]).to(alone.stack.weights)
        alone.stack.weights = alone.stack.weights.expand(self.outputs.shape[1], 2)
        values = self._explain(alone)
        with Stopwatch() as watch:
            alone.stack.process.read(self.support.rows).effect @ process.alpha
        return self._result(method, values, watch, seconds_fit, seconds_kernel)

    def learned_process(self, seconds_fit: float, seconds_kernel: float) -> Result:
        """The process whose kernel the network proposed."""
        process = self.surrogate.stack.process
        return self.process(LEARNED, process, seconds_fit, seconds_kernel)

    def fit_process(self, kernel: KernelParameters) -> tuple[HybridProcess, float]:
        """Fit a process to the same evaluations; also return its CPU seconds."""
        players, n_players = self.support.player_of_column, self.task.masked.n_players
        stack = SurrogateStack(kernel, players, n_players, own_lengths=True)
        with Stopwatch() as watch:
            process = stack.fit_process(self.support.encoded, self.outputs - self.outputs.mean(0))
        return process, watch.seconds

    def fit_untrained(
        self, kernel: KernelParameters, **parameters: Any
    ) -> tuple[TaskSurrogate, float]:
        """Fit what MetaExplainer fits without meta-trained networks, but for the search."""
        untrained = self._new_surrogate(**parameters)
        with Stopwatch() as watch:
            self._fit(untrained, kernel)
        return untrained, watch.seconds

    def untrained(
        self,
        method: str,
        untrained: TaskSurrogate,
        seconds_fit: float,
        seconds_kernel: float = 0.0,
    ) -> Result:
        """Without anything meta-trained; without a search, with the default kernel."""
        with Stopwatch() as watch:
            values = self._explain(untrained)
        return self._result(method, values, watch, seconds_kernel + seconds_fit, seconds_kernel)

    def default_process(self) -> tuple[Result, float]:
        """The process with the default kernel; also the CPU seconds of its fit."""
        kernel = default_parameters(self.support.encoded.shape[1])
        process, seconds = self.fit_process(kernel)
        return self.process(DEFAULT, process, seconds, 0.0), seconds

    def propose(self, pretrained: Any) -> float:
        """CPU seconds in which the kernel network proposes a kernel."""
        network = load_pretrained(pretrained).kernel.double()
        with Stopwatch() as watch, torch.no_grad():
            network.propose(self.support.encoded, self.outputs)
        return watch.seconds

    def search(self) -> Search:
        """Find a kernel by likelihood."""
        with Stopwatch() as watch:
            kernel = search_kernel(self.support.encoded, self.outputs)
        return Search(kernel, watch.seconds)

    def _new_surrogate(self, **parameters: Any) -> TaskSurrogate:
        n_players = self.task.masked.n_players
        return TaskSurrogate(
            self.support.player_of_column,
            n_players,
            probabilities=self.task.masked.output == "probability",
            **parameters,
        )

    def _fit(self, surrogate: TaskSurrogate, kernel: KernelParameters) -> None:
        surrogate.fit(
            self.support.encoded,
            torch.from_numpy(self.support.outputs),
            self.support.background,
            torch.from_numpy(self.task.base),
            propose=lambda encoded, outputs: kernel,
        )

    def _explain(self, surrogate: TaskSurrogate) -> np.ndarray:
        values, *_ = surrogate.explain(
            self.support.rows,
            predictions=torch.from_numpy(self.task.predictions),
            can_matter=torch.from_numpy(self.task.masked.can_matter(self.task.rows)),
        )
        return sum_to_zero(self.task, values)

    def _without_corrector(self, surrogate: TaskSurrogate) -> TaskSurrogate:
        uncorrected = copy(surrogate)
        uncorrected.corrector = None
        return uncorrected

    def _result(
        self,
        method: str,
        values: np.ndarray,
        watch: Stopwatch,
        seconds_fit: float = np.nan,
        seconds_kernel: float = np.nan,
    ) -> Result:
        return Result(
            method,
            values,
            watch.seconds,
            self.n_support,
            seconds_fit=seconds_fit,
            seconds_kernel=seconds_kernel,
        )


def explain_parts(parts: Parts, pretrained: Any, search: Search) -> Iterator[Result]:
    """Explain by the parts and by what they compete with.

    Parameters
    ----------
    parts : Parts
    pretrained : str
        Whose kernel network is timed.
    search : Search
        The rival kernel.
    """
    yield parts.stack()
    default, seconds = parts.default_process()
    yield default
    kernel = default_parameters(parts.support.encoded.shape[1])
    yield parts.untrained(DEFAULT_STACK, *parts.fit_untrained(kernel))
    if parts.n_support < FEW_ROWS:  # with more, no process looks for its lengths
        yield parts.untrained(FIXED_STACK, *parts.fit_untrained(kernel, own_lengths=False))
    untrained, both = parts.fit_untrained(search.kernel)
    networks, seconds_networks = parts.networks()
    yield networks
    yield parts.without_networks()
    # A process is fitted at the same cost whatever its kernel; trees take the rest.
    yield parts.trees(both - seconds - seconds_networks)
    searched = untrained.stack.process
    yield parts.process(SEARCHED, searched, search.seconds + seconds, search.seconds)
    yield parts.untrained(UNTRAINED, untrained, both, search.seconds)
    proposal = parts.propose(pretrained)
    yield parts.learned_process(proposal + seconds, proposal)
