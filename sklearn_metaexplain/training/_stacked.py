"""Episodes with a fitted stack, for the corrector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import get_worker_info

from sklearn_metaexplain.nets._evidence import (
    QueryEvidence,
    SupportEvidence,
    query_evidence,
    support_evidence,
)
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.shapley._kernel import KernelParameters
from sklearn_metaexplain.shapley._stack import SurrogateStack
from sklearn_metaexplain.shapley._std import shrink_std
from sklearn_metaexplain.training._episodes import Episode, EpisodeStream


class StackedEpisode(NamedTuple):
    """What the corrector reads of an episode, the stack's values and the truth."""

    support: SupportEvidence
    query: QueryEvidence
    closed: torch.Tensor  # (n_query, n_players), the stack's values after closing the gap
    std: torch.Tensor  # (n_query, n_players), of the process
    values: torch.Tensor  # (n_query, n_players), true
    can_matter: torch.Tensor  # (n_query, n_players), bool
    player_of_column: torch.Tensor  # (m,)
    family: str
    open: torch.Tensor  # (n_query, n_players), the stack's values as if no output were known
    open_std: torch.Tensor  # (n_query, n_players), of the process then
    disagreement: torch.Tensor  # (n_query, n_players), of process and trees


def stack_episode(episode: Episode, network: KernelNetwork) -> StackedEpisode:
    """Fit a stack, its kernel proposed by `network`, on an episode."""
    with torch.no_grad():
        parameters = network.double().propose(episode.support, episode.outputs.double()[:, None])
    return stack_with(episode, parameters)


@torch.no_grad()
def stack_with(
    episode: Episode, parameters: KernelParameters, *, networks: bool = True
) -> StackedEpisode:
    """Fit a stack with a given kernel on an episode."""
    support, outputs = episode.support.double(), episode.outputs.double()[:, None]
    query, background = episode.query.double(), episode.background.double()
    stack = SurrogateStack(
        parameters,
        episode.player_of_column,
        episode.n_players,
        networks=networks,
        bounds=None if episode.bounds is None else episode.bounds.double(),
        own_lengths=networks,
    )
    stack.fit(support, outputs).set_background(background)
    values = stack.shapley(query, episode.can_matter)
    base, gap = episode.base.double()[None], episode.gap.double()[:, None]
    closed, explained = stack.close(query, values, base + gap, base)
    combined = stack.combine(values)
    before = stack.process.shapley_std(values.reading) * episode.can_matter[..., None]
    std = shrink_std(before, explained, stack.process.variance_scale)
    std = std * episode.can_matter[..., None]
    missing = gap - combined.sum(1)
    return StackedEpisode(
        SupportEvidence(*(part.float() for part in support_evidence(stack, support, outputs))),
        QueryEvidence(
            *(part.float() for part in query_evidence(stack, query, values, closed, std, missing))
        ),
        closed[..., 0].float(),
        std[..., 0].float(),
        episode.values,
        episode.can_matter,
        episode.player_of_column,
        episode.family,
        combined[..., 0].float(),
        before[..., 0].float(),
        (values.process - values.trees)[..., 0].abs().float(),
    )


def mirror(episode: StackedEpisode) -> StackedEpisode:
    """The episode of the model with its sign reversed, which the prior draws as often."""
    return episode._replace(
        support=episode.support._replace(
            outputs=-episode.support.outputs,
            residuals=-episode.support.residuals,
            stack_residuals=-episode.support.stack_residuals,
        ),
        query=episode.query._replace(
            values=-episode.query.values,
            stack_values=-episode.query.stack_values,
            gap=-episode.query.gap,
        ),
        closed=-episode.closed,
        values=-episode.values,
        open=-episode.open,
    )


class StackedStream:
    """A stream of episodes, each with a stack.

    Making an episode costs several times what learning from it does, so each comes back a few
    times, mirrored every other time and mixed with others of its epoch. What an epoch gives
    depends on its steps alone, also after resuming; with `n_repeats` also on the number of
    processes that draw, for each gives back what it has drawn itself.

    Parameters
    ----------
    stream : EpisodeStream
        Episodes.
    network : KernelNetwork
        Proposes their kernels.
    n_repeats : int, default=0
        How often, on average, an episode comes back.
    """

    def __init__(
        self, stream: EpisodeStream, network: KernelNetwork, *, n_repeats: int = 0
    ) -> None:
        self.stream, self.network, self.n_repeats = stream, network, n_repeats
        self.n_steps = stream.n_steps

    @property
    def start(self) -> int:
        """Number of the first step, those on episodes that come back included."""
        return self.stream.start * (1 + self.n_repeats)

    @start.setter
    def start(self, step: int) -> None:
        self.stream.start = step // (1 + self.n_repeats)

    def __iter__(self) -> Iterator[list[Any]]:
        worker = get_worker_info()
        seed = [self.stream.seed, self.stream.start, 0 if worker is None else worker.id]
        rng = np.random.default_rng(seed)
        seen: list[StackedEpisode] = []
        for episodes in self.stream:
            stacked = [stack_episode(episode, self.network) for episode in episodes]
            seen += stacked
            yield stacked
            for repeat in range(self.n_repeats):
                again = [seen[i] for i in rng.choice(len(seen), len(stacked), replace=False)]
                yield again if repeat % 2 else [mirror(episode) for episode in again]
