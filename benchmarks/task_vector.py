"""Does the kernel network gain from being told the vector of its task?

Two kernel networks of the same small size start from the same weights and see the same episodes;
one is told each task's vector by the shipped task autoencoder. Both are judged on the same prior
tasks held out: ``python benchmarks/task_vector.py`` writes docs/benchmarks/task_vector.md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from sklearn_metaexplain.nets._autoencoder_file import load_autoencoder
from sklearn_metaexplain.nets._kernel_network import KernelNetwork
from sklearn_metaexplain.nets._task_autoencoder import SetAutoencoder
from sklearn_metaexplain.shapley._kernel import KernelParameters
from sklearn_metaexplain.training._episodes import Episode, EpisodeStream
from sklearn_metaexplain.training._evaluate import EVALUATION_SEED, held_out
from sklearn_metaexplain.training._objectives import KernelObjective

SIZE = {"width": 24, "n_layers": 2, "max_support": 128}
MAX_SUPPORT = 256
BATCH_SIZE = 4
LR = 2e-3
OUT = Path(__file__).parents[1] / "docs" / "benchmarks" / "task_vector.md"


class ToldNetwork(nn.Module):
    """A kernel network that is told the vector of the rows it is given.

    Parameters
    ----------
    network : KernelNetwork
        With a `task_width`.
    autoencoder : SetAutoencoder
        Stays as it is.
    """

    def __init__(self, network: KernelNetwork, autoencoder: SetAutoencoder) -> None:
        super().__init__()
        self.network = network
        # In a list, so that it is none of the parameters.
        self._autoencoder = [autoencoder]

    def propose(self, encoded: torch.Tensor, outputs: torch.Tensor) -> KernelParameters:
        """Propose the kernel of a task with one output."""
        rows = slice(0, self.network.max_support)
        with torch.no_grad():
            vector = self._autoencoder[0].encode(encoded[rows], outputs[rows, 0]).vector
        return self.network.propose(encoded, outputs, task_vector=vector)


class Pair(NamedTuple):
    """Held-out objectives of the two networks from one seed: (n_tasks,) each."""

    untold: np.ndarray
    told: np.ndarray


def train_pair(seed: int, n_steps: int, autoencoder: SetAutoencoder) -> dict[str, nn.Module]:
    """Train both networks on the same episodes, from the same weights."""
    networks: dict[str, nn.Module] = {}
    for name, task_width in (("untold", 0), ("told", autoencoder.n_dims)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = KernelNetwork(**SIZE, task_width=task_width)
        networks[name] = ToldNetwork(network, autoencoder) if task_width else network
    objective = KernelObjective()
    optimizers = {
        name: torch.optim.AdamW(network.parameters(), lr=LR) for name, network in networks.items()
    }
    schedules = [
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
        for optimizer in optimizers.values()
    ]
    stream = EpisodeStream(
        seed=seed, n_steps=n_steps, batch_size=BATCH_SIZE, max_support=MAX_SUPPORT
    )
    for episodes in stream:
        for name, network in networks.items():
            torch.stack([objective(network, episode) for episode in episodes]).mean().backward()
            norm = nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            if torch.isfinite(norm):
                optimizers[name].step()
            optimizers[name].zero_grad()
        for schedule in schedules:
            schedule.step()
    return networks


@torch.no_grad()
def judge(networks: dict[str, nn.Module], episodes: list[Episode]) -> Pair:
    """Objective of each network on each held-out task."""
    objective = KernelObjective()
    return Pair(
        *(
            np.array([float(objective(networks[name], episode)) for episode in episodes])
            for name in Pair._fields
        )
    )


def report(pairs: list[Pair], n_trained: int, minutes: float) -> str:
    """Write the page."""
    lines = [
        "# Task vector as an input of the kernel network",
        "",
        "Made by `python benchmarks/task_vector.py`. Two kernel networks of the same small size",
        f"(width {SIZE['width']}, {SIZE['n_layers']} blocks) start from the same weights and are "
        f"trained on the same {n_trained:,} prior",
        f"tasks of up to {MAX_SUPPORT} evaluations; one is also told, by a linear map that starts "
        "at zero, the",
        "vector that `TaskAutoencoder` gives the same rows. Objective (mean logarithm of the",
        "relative error of the Shapley values plus a tenth of the negative log likelihood, lower",
        f"is better) on {len(pairs[0].told)} prior tasks held out, the same for all; the standard "
        "error is that of the",
        "paired difference over tasks.",
        "",
        "| seed | not told | told | told minus not told | standard error |",
        "|-|-|-|-|-|",
    ]
    for seed, pair in enumerate(pairs, 1):
        lines.append(_line(str(seed), pair))
    pooled = Pair(*(np.mean(parts, axis=0) for parts in zip(*pairs, strict=True)))
    if len(pairs) > 1:
        lines.append(_line("mean of seeds", pooled))
    difference = pooled.told - pooled.untold
    mean, error = difference.mean(), _standard_error(difference)
    verdict = "The difference is within two standard errors: no gain was found."
    if abs(mean) > 2 * error:
        better = "better" if mean < 0 else "worse"
        verdict = f"The network that is told the vector does {better}."
    lines += [
        "",
        verdict,
        "The standard error is over tasks; what another training would have given is shown by the",
        "seeds alone. Both networks read the same rows, so the vector tells nothing that the",
        "kernel network could not find itself; it may save training. The shipped network is not",
        "told the vector (`task_width=0`).",
        "",
        f"Took {minutes:.0f} minutes on one core shared with other work.",
        "",
    ]
    return "\n".join(lines)


def _line(name: str, pair: Pair) -> str:
    difference = pair.told - pair.untold
    return (
        f"| {name} | {pair.untold.mean():.3f} | {pair.told.mean():.3f} | "
        f"{difference.mean():+.3f} | {_standard_error(difference):.3f} |"
    )


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def main(argv: list[str] | None = None) -> None:
    """Train, judge and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=120, help=f"of {BATCH_SIZE} tasks")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--tasks", type=int, default=120, help="held out")
    parser.add_argument("--weights", default="default", help="of the task autoencoder")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    start = time.monotonic()
    autoencoder = load_autoencoder(arguments.weights).network
    episodes = list(held_out(EVALUATION_SEED, arguments.tasks, max_support=MAX_SUPPORT))
    pairs = []
    for seed in range(1, arguments.seeds + 1):
        pairs.append(judge(train_pair(seed, arguments.steps, autoencoder), episodes))
        print(_line(str(seed), pairs[-1]), flush=True)
    minutes = (time.monotonic() - start) / 60
    arguments.out.write_text(report(pairs, arguments.steps * BATCH_SIZE, minutes))


if __name__ == "__main__":
    main()
