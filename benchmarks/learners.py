"""What meta-training is worth: each learner after adaptation to tasks that it has not seen.

``python benchmarks/learners.py`` takes about 7 minutes on one core, ``--quick`` half a minute.
Every learner meta-trains a small network on the same number of tasks, and is judged by the query
loss after adaptation to the same held-out tasks; beside it stands the same adaptation from random
initial values and from a network trained on all tasks at once.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from sklearn_metaexplain.learners import (
    ANIL,
    MAML,
    EpisodeLoss,
    InContext,
    LearnedOptimizer,
    Learner,
    Reptile,
    SupervisedEpisode,
    SupervisedObjective,
)

N_STEPS = 5
OUTER_LR = 2e-3
MAX_NORM = 10.0
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
N_TRAINED, N_CHOOSE, N_JUDGED = 2000, 50, 200
QUICK_N_TRAINED, QUICK_N_CHOOSE, QUICK_N_JUDGED = 80, 4, 12
_N_COLUMNS, _N_CLASSES, _N_INFORMATIVE = 8, 5, 3


@dataclass(frozen=True)
class Problem:
    """A distribution of tasks, and what learns from them.

    Attributes
    ----------
    name : str
    draw : callable
        ``draw(generator, n_query)`` gives a `SupervisedEpisode`.
    make_network : callable
        An untrained network that maps rows to outputs.
    make_reader : callable
        One that reads the support, too.
    loss_function : callable
    n_query : int
        Query rows (a class) of a task in meta-training.
    n_judged : int
        Of a held-out task.
    """

    name: str
    draw: Callable[[torch.Generator, int], SupervisedEpisode]
    make_network: Callable[[], nn.Module]
    make_reader: Callable[[], nn.Module]
    loss_function: Callable[..., torch.Tensor]
    n_query: int
    n_judged: int


class Reader(nn.Module):
    """Predict a query row from the labelled support rows that it attends to.

    References
    ----------
    Kim et al., Attentive neural processes, 2019 (the deterministic path).
    """

    def __init__(self, n_columns: int, n_outputs: int, width: int = 64) -> None:
        super().__init__()
        self.locate = feed_forward(n_columns, width, width)
        self.encode = feed_forward(n_columns + n_outputs, width, width)
        self.decode = feed_forward(n_columns + width + n_outputs, width, n_outputs)

    def forward(
        self, support: torch.Tensor, told: torch.Tensor, query: torch.Tensor
    ) -> torch.Tensor:
        values = torch.cat([self.encode(torch.cat([support, told], 1)), told], 1)
        read = nn.functional.scaled_dot_product_attention(
            self.locate(query)[None], self.locate(support)[None], values[None]
        )
        return self.decode(torch.cat([query, read[0]], 1))


class ReaderObjective(nn.Module):
    """Mean loss of the query rows, given the support."""

    def __init__(self, loss_function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.loss_function = loss_function

    def forward(self, network: Reader, episode: SupervisedEpisode) -> torch.Tensor:
        told = episode.targets
        if not told.is_floating_point():
            told = nn.functional.one_hot(told, _N_CLASSES).to(episode.support)
        outputs = network(episode.support, told, episode.query)
        return self.loss_function(outputs, episode.query_targets)


def feed_forward(n_inputs: int, width: int, n_outputs: int) -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(
        nn.Linear(n_inputs, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, n_outputs),
    )


def draw_sinusoid(generator: torch.Generator, n_query: int) -> SupervisedEpisode:
    """Ten points of a sinusoid: Finn et al., 2017, section 5.1."""
    amplitude, phase = torch.rand(2, generator=generator).tolist()
    x = 10 * torch.rand(10 + n_query, 1, generator=generator) - 5
    y = (0.1 + 4.9 * amplitude) * torch.sin(x - math.pi * phase)
    return SupervisedEpisode(x[:10], y[:10], x[10:], y[10:])


def draw_classes(generator: torch.Generator, n_query: int) -> SupervisedEpisode:
    """Five Gaussian classes that differ in three directions, the same three in all tasks."""
    turn = torch.randn(_N_COLUMNS, _N_COLUMNS, generator=torch.Generator().manual_seed(7))
    rotation = torch.linalg.qr(turn).Q
    means = torch.zeros(_N_CLASSES, _N_COLUMNS)
    means[:, :_N_INFORMATIVE] = 2 * torch.randn(_N_CLASSES, _N_INFORMATIVE, generator=generator)
    spread = torch.full((_N_COLUMNS,), 2.0)
    spread[:_N_INFORMATIVE] = 0.7

    def draw_rows(n_rows: int) -> tuple[torch.Tensor, torch.Tensor]:
        labels = torch.arange(_N_CLASSES).repeat_interleave(n_rows)
        noise = torch.randn(len(labels), _N_COLUMNS, generator=generator)
        return (means[labels] + spread * noise) @ rotation, labels

    return SupervisedEpisode(*draw_rows(5), *draw_rows(n_query))


PROBLEMS = (
    Problem(
        name="Sinusoids: 10 points, mean squared error",
        draw=draw_sinusoid,
        make_network=lambda: feed_forward(1, 40, 1),
        make_reader=lambda: Reader(1, 1),
        loss_function=nn.functional.mse_loss,
        n_query=10,
        n_judged=100,
    ),
    Problem(
        name="Classes: 5-way 5-shot, 8 columns, cross-entropy",
        draw=draw_classes,
        make_network=lambda: feed_forward(_N_COLUMNS, 40, _N_CLASSES),
        make_reader=lambda: Reader(_N_COLUMNS, _N_CLASSES),
        loss_function=nn.functional.cross_entropy,
        n_query=5,
        n_judged=20,
    ),
)


def make_learners(rate: float, rate_of_head: float) -> dict[str, Learner]:
    """All learners by the names of the table."""
    steps = {"inner_lr": rate, "n_inner_steps": N_STEPS}
    return {
        "InContext": InContext(),
        "MAML": MAML(**steps),
        "MAML, first order": MAML(first_order=True, **steps),
        # As in its paper; of several steps with rates of their own a task in some hundred diverges.
        "Meta-SGD, one step": MAML(inner_lr=rate, learn_lr=True),
        "ANIL": ANIL(inner_lr=rate_of_head, n_inner_steps=N_STEPS),
        "Reptile": Reptile(outer_optimizer="adam", **steps),
        "LearnedOptimizer": LearnedOptimizer(n_inner_steps=N_STEPS),
    }


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Initialise a network from a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def draw_tasks(problem: Problem, seed: int, n_tasks: int, n_query: int) -> list[SupervisedEpisode]:
    """Draw tasks from a seed."""
    generator = torch.Generator().manual_seed(seed)
    return [problem.draw(generator, n_query) for _ in range(n_tasks)]


def meta_train(
    learner: Learner, loss: EpisodeLoss, tasks: Sequence[SupervisedEpisode], batch_size: int = 4
) -> nn.Module | None:
    """Meta-train on each task once; return the learner's state."""
    state = learner.make_state(loss.network)
    trained = [*loss.network.parameters(), *(state.parameters() if state else ())]
    optimizer = torch.optim.Adam(trained, lr=OUTER_LR)
    starts = range(0, len(tasks), batch_size)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, len(starts))
    for start in starts:
        optimizer.zero_grad()
        for task in tasks[start : start + batch_size]:
            learner.accumulate(loss, task, state=state, scale=1 / batch_size)
        norm = nn.utils.clip_grad_norm_(trained, MAX_NORM)
        # One inner loop that diverged must not end the training.
        if norm.isfinite():
            optimizer.step()
        decay.step()
    return state


def judge_best_rate(
    losses: Sequence[EpisodeLoss],
    kind: type[MAML],
    choose: Sequence[SupervisedEpisode],
    judged: Sequence[SupervisedEpisode],
) -> tuple[np.ndarray, float]:
    """Judge an adaptation at the rate that is best on other tasks.

    Parameters
    ----------
    losses : sequence of EpisodeLoss
        The network to start from; task i starts from that at i, modulo how many there are.
    kind : type
        `MAML`: all parameters are adapted, or `ANIL`: the head is.
    choose, judged : sequence of SupervisedEpisode
        Tasks that choose the rate, and tasks to report.
    """

    def query_losses(rate: float, tasks: Sequence[SupervisedEpisode]) -> np.ndarray:
        learner = kind(inner_lr=rate, n_inner_steps=N_STEPS)
        found = [learner.query_loss(losses[i % len(losses)], task) for i, task in enumerate(tasks)]
        return np.nan_to_num(found, nan=np.inf, posinf=np.inf)

    best = min(RATES, key=lambda rate: query_losses(rate, choose).mean())
    return query_losses(best, judged), best


def measure(problem: Problem, *, quick: bool) -> list[dict[str, object]]:
    """Meta-train and judge all learners: a line of the table for each."""
    n_trained = QUICK_N_TRAINED if quick else N_TRAINED
    tasks = draw_tasks(problem, 0, n_trained, problem.n_query)
    choose = draw_tasks(problem, 1, QUICK_N_CHOOSE if quick else N_CHOOSE, problem.n_judged)
    # Seed 2 was looked at before clipping and the reader's attention were added.
    judged = draw_tasks(problem, 3, QUICK_N_JUDGED if quick else N_JUDGED, problem.n_judged)
    objective = SupervisedObjective(problem.loss_function)

    def plain(seed: int) -> EpisodeLoss:
        return EpisodeLoss(seeded(problem.make_network, seed), objective)

    # With one inner step Reptile is training on all tasks at once; Adam does not mind the rate.
    joint = plain(0)
    meta_train(Reptile(inner_lr=1.0, n_inner_steps=1), joint, tasks)
    untrained = [plain(seed) for seed in range(1, 1 + len(judged))]
    baselines = {
        kind: {
            "random": judge_best_rate(untrained, kind, choose, judged),
            "joint": judge_best_rate([joint], kind, choose, judged),
        }
        for kind in (MAML, ANIL)
    }
    rate, rate_of_head = (baselines[kind]["random"][1] for kind in (MAML, ANIL))

    lines = []
    for name, learner in make_learners(rate, rate_of_head).items():
        start = monotonic()
        loss = plain(0)
        if isinstance(learner, InContext):
            network = seeded(problem.make_reader, 0)
            loss = EpisodeLoss(network, ReaderObjective(problem.loss_function))
        state = meta_train(learner, loss, tasks)
        found = np.array([learner.query_loss(loss, task, state=state) for task in judged])
        kind = ANIL if isinstance(learner, ANIL) else MAML
        lines.append({"learner": name, "meta-trained": found, **baselines[kind]})
        seconds = monotonic() - start
        print(f"{problem.name}: {name}: {seconds:.0f} s", file=sys.stderr, flush=True)
    return lines


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Mean, and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))


def write_table(lines: Sequence[dict[str, object]]) -> str:
    """A markdown table of a problem's lines, as `measure` gives them."""
    header = (
        "learner",
        "after meta-training",
        "from random values (rate)",
        "from joint training (rate)",
        "paired difference to the better one",
    )
    rows: list[Sequence[str]] = [header, ["-"] * len(header)]
    for line in lines:
        found = line["meta-trained"]
        baselines = [line["random"], line["joint"]]
        better = min((losses for losses, _ in baselines), key=np.mean)
        shown = [
            "{:.3f} ± {:.3f} ({:g})".format(*mean_and_error(losses), rate)
            for losses, rate in baselines
        ]
        own, difference = mean_and_error(found), mean_and_error(found - better)
        rows.append(
            [
                str(line["learner"]),
                "{:.3f} ± {:.3f}".format(*own),
                *shown,
                "{:+.3f} ± {:.3f}".format(*difference),
            ]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def make_page(tables: dict[str, list[dict[str, object]]], *, quick: bool) -> str:
    """All tables as one page of markdown."""
    n_trained, n_judged = (QUICK_N_TRAINED, QUICK_N_JUDGED) if quick else (N_TRAINED, N_JUDGED)
    introduction = f"""\
Made by `python benchmarks/learners.py{" --quick" if quick else ""}`. Query loss after adaptation to
{n_judged} held-out tasks, mean ± standard error over these tasks, for one seed of meta-training.
Every learner has seen the same {n_trained:,} tasks, each once, in meta-batches of 4, with Adam at
{OUTER_LR:g} falling to a tenth and meta-gradients clipped at norm {MAX_NORM:g}. Adaptation is
{N_STEPS} steps, of ANIL on the head alone, of Meta-SGD one, as in its paper.

Beside each stands the same number of plain gradient steps, on the head alone where the learner's
are, from random initial values (others for each task) and from a network that was trained on all
rows of the same {n_trained:,} tasks at once. Their rates are the best of
{", ".join(f"{rate:g}" for rate in RATES)} on other tasks; learners take the one that is best from
random values. Below zero in the last column, meta-training helps. InContext is another network,
which reads the support instead of adapting to it."""
    sections = ["# Learners", introduction]
    for name, lines in tables.items():
        sections += [f"## {name}", write_table(lines)]
    return "\n\n".join(sections) + "\n"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few tasks")
    parser.add_argument(
        "--out",
        type=Path,
        help="the page; default docs/benchmarks/learners.md, if quick runs/benchmark-quick/...",
    )
    options = parser.parse_args(arguments)
    if options.out is None:
        folder = Path("runs/benchmark-quick" if options.quick else "docs/benchmarks")
        options.out = folder / "learners.md"
    return options


def main(arguments: list[str] | None = None) -> None:
    """Meta-train, judge, report."""
    options = parse(arguments)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        tables = {problem.name: measure(problem, quick=options.quick) for problem in PROBLEMS}
    page = make_page(tables, quick=options.quick)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
