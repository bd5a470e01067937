"""How wrong values are that come from a model's logged outputs alone, on prior tasks."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import torch

from sklearn_metaexplain.learners._stored import load_learner
from sklearn_metaexplain.nets._checkpoint import REGISTRY, load_pretrained
from sklearn_metaexplain.nets._corrector import Corrector, player_corrections
from sklearn_metaexplain.prior._mixed import CALIBRATED_SHARE
from sklearn_metaexplain.shapley._error import raw_error, share_of_error
from sklearn_metaexplain.shapley._kernel import KernelParameters
from sklearn_metaexplain.shapley._search import search_kernel
from sklearn_metaexplain.training._arguments import count, several
from sklearn_metaexplain.training._episodes import Episode, draw_episode
from sklearn_metaexplain.training._evaluate import adapted
from sklearn_metaexplain.training._stacked import StackedEpisode, stack_with

LOGGED_SEED = 10**6 + 3
#: Of a normal distribution, the standard deviations on either side that hold 90%.
NORMAL_90 = 1.6449
_N_QUERY = 4
_N_BACKGROUND = 25
_N_ROWS = (64, 2048)
_MOST_COLUMNS = 8
_N_DRAWS = 20


class Answer(NamedTuple):
    """Values of some rows by one method, with what it expects of their errors."""

    values: torch.Tensor  # (n_rows, n_players)
    std: torch.Tensor  # (n_rows, n_players), not calibrated


class LoggedTask(NamedTuple):
    """One task: answers by method, and the truth."""

    family: str
    n_rows: int
    answers: dict[str, Answer]
    truth: torch.Tensor  # (n_rows, n_players)
    can_matter: torch.Tensor  # (n_rows, n_players), bool


def draw_logged_episode(rng: np.random.Generator, n_rows: tuple[int, int] = _N_ROWS) -> Episode:
    """Draw a task of which only outputs on rows of its table are known.

    The model was fitted to these, as those are that users explain. There are 2 to 8 columns, so
    that the truth can be enumerated; their number and that of the rows are log-uniform. Half of the
    rows to explain are among those logged.

    Parameters
    ----------
    rng : numpy Generator
        Source of randomness.
    n_rows : (int, int), default=(64, 2048)
        Least and most rows logged.
    """
    n_logged = round(np.exp(rng.uniform(*np.log(n_rows))))
    return draw_episode(
        rng,
        n_columns=round(np.exp(rng.uniform(np.log(1.5), np.log(_MOST_COLUMNS + 0.5)))),
        n_support=n_logged,
        n_query=_N_QUERY,
        n_background=min(_N_BACKGROUND, n_logged),
        n_rows=n_logged + _N_QUERY // 2,
        hybrids=False,
        families=("fitted",),
        mixed_share=CALIBRATED_SHARE,
    )


def logged_episodes(
    n_tasks: int, seed: int = LOGGED_SEED, n_rows: tuple[int, int] = _N_ROWS
) -> Iterator[Episode]:
    """Draw tasks whose rows have something to explain, by a seed that training never uses."""
    for task in range(n_tasks):
        episode = draw_logged_episode(np.random.default_rng([seed, task]), n_rows)
        if float(episode.values.square().mean()) > 1e-8:
            yield episode


def propose_kernel(episode: Episode, pretrained: str | PathLike[str]) -> KernelParameters:
    """The kernel that the networks propose, after the inner steps that they were trained with."""
    networks = load_pretrained(pretrained)
    stored = load_learner(pretrained, REGISTRY, networks.kernel.double())
    network = adapted(networks, stored, episode).kernel
    with torch.no_grad():
        return network.propose(episode.support.double(), episode.outputs.double()[:, None])


def explain_logged(
    episode: Episode, pretrained: str | PathLike[str], *, search: bool = True
) -> LoggedTask:
    """Explain an episode's rows with and without their outputs, by either kernel.

    Parameters
    ----------
    episode : Episode
        Of `draw_logged_episode`.
    pretrained : str or Path
        Networks.
    search : bool, default=True
        Also with a kernel by likelihood search.
    """
    answers = {}
    kernels = {"proposed": propose_kernel(episode, pretrained)}
    if search:
        kernels["searched"] = search_kernel(episode.support, episode.outputs[:, None])
    corrector = load_pretrained(pretrained).corrector
    for name, kernel in kernels.items():
        stacked = stack_with(episode, kernel, networks=False)
        # As `widen_std` has it.
        open_std, std = (
            torch.hypot(part, stacked.disagreement) for part in (stacked.open_std, stacked.std)
        )
        answers[f"{name}, outputs unknown"] = Answer(stacked.open, open_std)
        answers[f"{name}, outputs given"] = Answer(stacked.closed, std)
        if name == "proposed" and corrector is not None:
            answers[f"{name}, outputs given, corrected"] = _correct(stacked, corrector.float())
    n_logged = len(episode.support)
    return LoggedTask(episode.family, n_logged, answers, episode.values, episode.can_matter)


@torch.no_grad()
def _correct(stacked: StackedEpisode, corrector: Corrector) -> Answer:
    proposed = corrector(corrector.read(stacked.support), stacked.query)
    correction = player_corrections(proposed, stacked.player_of_column, stacked.can_matter)
    return Answer(stacked.closed + correction, torch.hypot(stacked.std, stacked.disagreement))


def relative_errors(tasks: list[LoggedTask], method: str) -> np.ndarray:
    """Squared error over squared size, one a task."""
    return np.array(
        [
            float((task.answers[method].values - task.truth).square().sum())
            / float(task.truth.square().sum())
            for task in tasks
        ]
    )


def random_cells(tasks: list[LoggedTask], method: str, seed: int = 0) -> np.ndarray:
    """Absolute error over standard deviation of a random cell a task that can matter.

    The draw is repeated, for a quantile that depends on it less: ndarray of shape (20, n_tasks).
    """
    rng = np.random.default_rng(seed)
    ratios = []
    for task in tasks:
        answer = task.answers[method]
        error = (answer.values - task.truth).abs()[task.can_matter]
        std = answer.std[task.can_matter]
        cells = rng.integers(len(error), size=_N_DRAWS)
        ratios.append((error[cells] / std[cells].clamp_min(1e-12)).numpy())
    return np.stack(ratios, axis=1)


def calibrate_method(tasks: list[LoggedTask], method: str) -> dict[str, float]:
    """Multiple of the standard deviation, and how the true error follows the expected one.

    Parameters
    ----------
    tasks : list of LoggedTask
        Tasks.
    method : str
        Out of their answers.

    Returns
    -------
    dict
        "std": what standard deviations are to be multiplied by, so that 1.645 of them on either
        side hold 90% of the errors of one random cell a task; "factor", "power" and "spread" of
        `scaled_error`, of the errors that are not multiplied. The mean of the estimates is that of
        the errors, of which those above 1, of values worse than zeros, count as 1.
    """
    multiple = float(np.quantile(random_cells(tasks, method), 0.9)) / NORMAL_90
    errors = relative_errors(tasks, method)
    expected = np.array(
        [
            raw_error(answer.values[..., None].numpy(), answer.std[..., None].numpy())
            for answer in (task.answers[method] for task in tasks)
        ]
    )
    told = (errors > 1e-5) & (expected > 0) & np.isfinite(expected)
    shares = share_of_error(expected[told])
    logs, actual = np.log(shares), np.log(errors[told])
    power, intercept = np.polyfit(logs, actual, 1)
    spread = float(np.std(actual - power * logs - intercept))
    return {
        "std": multiple,
        "factor": float(errors[told].clip(max=1.0).mean() / (shares**power).mean()),
        "power": float(power),
        "spread": spread,
    }


def calibrate_logged(arguments: argparse.Namespace) -> None:
    """Calibrate errors of explanations from logged outputs; print what LoggedExplainer ships."""
    if arguments.rows[0] > arguments.rows[1]:
        raise SystemExit(f"--rows {arguments.rows[0]} {arguments.rows[1]}: give the least first.")
    tasks = []
    for episode in logged_episodes(arguments.tasks, n_rows=tuple(arguments.rows)):
        tasks.append(explain_logged(episode, arguments.weights))
        if not arguments.quiet and len(tasks) % 10 == 0:
            print(f"{len(tasks)} tasks", flush=True)
    print(f"\n{len(tasks)} prior tasks, outputs logged on their rows alone\n")
    print("| relative squared error | mean | median | geometric mean |\n|-|-|-|-|")
    for method in tasks[0].answers:
        errors = relative_errors(tasks, method)
        geometric = np.exp(np.log(errors + 1e-4).mean())
        print(f"| {method} | {errors.mean():.4f} | {np.median(errors):.4f} | {geometric:.4f} |")
    calibration = {method: calibrate_method(tasks, method) for method in tasks[0].answers}
    print(json.dumps(calibration, indent=2))


def add_command(commands: Any) -> None:
    """Add ``calibrate-logged`` to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        As `ArgumentParser.add_subparsers` returns them.
    """
    command = commands.add_parser("calibrate-logged", help=calibrate_logged.__doc__)
    command.add_argument("--weights", default="default", help="registered name or file")
    command.add_argument("--tasks", type=count, default=300)
    command.add_argument(
        "--rows",
        nargs=2,
        type=several,
        default=_N_ROWS,
        metavar=("LEAST", "MOST"),
        help="rows logged; default: %(default)s",
    )
    command.add_argument("--quiet", action="store_true")
    command.set_defaults(run=calibrate_logged)
