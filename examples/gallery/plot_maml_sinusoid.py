"""
Learning to learn sinusoids
===========================

The regression experiment of Finn et al. (2017): each task is a sinusoid of an amplitude from 0.1 to
5 and a phase from 0 to pi, of which 10 points on [-5, 5] are known.
:class:`~sklearn_metaexplain.learners.MAML` looks for initial values of a network from which one
gradient step on such points goes far. The same network trained on all tasks at once is what it
must beat.
"""

from functools import partial
from math import pi

import matplotlib.pyplot as plt
import pandas as pd
import torch
from torch import nn
from torch.func import vmap

from sklearn_metaexplain.learners import (
    MAML,
    EpisodeLoss,
    SupervisedEpisode,
    SupervisedObjective,
    trace_adaptation,
)

generator = torch.Generator().manual_seed(0)


def draw_sinusoids(n_tasks, n_query=10):
    """Draw tasks, stacked along the first axis."""
    amplitude = 0.1 + 4.9 * torch.rand(n_tasks, 1, 1, generator=generator)
    phase = pi * torch.rand(n_tasks, 1, 1, generator=generator)
    x = 10 * torch.rand(n_tasks, 10 + n_query, 1, generator=generator) - 5
    y = amplitude * torch.sin(x - phase)
    return SupervisedEpisode(x[:, :10], y[:, :10], x[:, 10:], y[:, 10:])


def make_loss():
    """Join a network of two hidden layers of 40 with the squared error."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1)
        )
    return EpisodeLoss(network, SupervisedObjective(nn.functional.mse_loss))


# %%
# A learner's inner loop is a function of the parameters, so torch maps it over the 25 tasks of a
# meta-batch and differentiates through it. (``learner.accumulate(loss, episode)`` does the same for
# one episode at a time, whatever its size.) With no inner step at all, the same loop trains on
# all tasks at once. Both see 150,000 tasks: 6,000 outer steps, where the authors' code
# takes 70,000.
def query_loss(learner, loss, n_steps, episode):
    """Query loss of a task after adaptation; differentiable."""
    params = learner.inner_loop(loss, episode, loss.meta_parameters(), n_steps=n_steps)
    return loss.at(params, episode)


def meta_train(learner, loss, n_steps, n_outer=6000):
    """Minimise the mean query loss after so many inner steps."""
    optimizer = torch.optim.Adam(loss.parameters(), lr=1e-3)
    for _ in range(n_outer):
        optimizer.zero_grad()
        vmap(partial(query_loss, learner, loss, n_steps))(draw_sinusoids(25)).mean().backward()
        optimizer.step()
    return loss


learner = MAML(inner_lr=0.01, n_inner_steps=1)
maml = meta_train(learner, make_loss(), n_steps=1)
joint = meta_train(learner, make_loss(), n_steps=0)

# %%
# Mean squared error on 100 query points of 500 new tasks, with its standard error. The jointly
# trained network may have the best of several rates, chosen on these very tasks. At 0 steps both
# can do no better than a compromise between all sinusoids; what differs is where gradient steps
# lead from there.
tasks = draw_sinusoids(500, n_query=100)


def query_losses(loss, inner_lr, n_steps):
    """Query loss of each of the new tasks."""
    with torch.no_grad():
        return vmap(partial(query_loss, MAML(inner_lr=inner_lr), loss, n_steps))(tasks)


best_rate = min(
    (0.003, 0.01, 0.02, 0.03),
    key=lambda rate: query_losses(joint, rate, 10).nan_to_num(torch.inf).mean(),
)
networks = {
    "MAML, rate 0.01": (maml, 0.01),
    f"all tasks at once, rate {best_rate}": (joint, best_rate),
}
table = pd.DataFrame(index=pd.Index([0, 1, 5, 10], name="steps"))
for name, (loss, rate) in networks.items():
    losses = [query_losses(loss, rate, n_steps) for n_steps in (0, 1, 5, 10)]
    table[name] = [f"{each.mean():.2f} ± {each.std() / len(each) ** 0.5:.2f}" for each in losses]
print(table.T.to_string())

# %%
# One new task, as in figure 2 of the paper: ten points in one half of the range, and what the
# networks predict after 0, 1 and 10 steps. From MAML's initial values one step finds the phase, in
# the half without points too, and the curve there grows toward the truth. The jointly trained
# network bends to the points and gains nothing elsewhere.
x = torch.linspace(-5, 5, 200)[:, None]
points = torch.linspace(-4.8, -0.1, 10)[:, None]
episode = SupervisedEpisode(points, 4 * torch.sin(points - 1), x, 4 * torch.sin(x - 1))
styles = {0: (":", "#555555"), 1: ("--", "#56B4E9"), 10: ("-", "#0072B2")}
figure, axes = plt.subplots(ncols=2, figsize=(10, 4), sharey=True, layout="constrained")
for ax, (name, (loss, rate)) in zip(axes, networks.items(), strict=True):
    trace = trace_adaptation(MAML(inner_lr=rate), loss, episode, n_steps=10)
    ax.plot(x, episode.query_targets, color="#CCCCCC", linewidth=4, label="truth")
    for step, (style, color) in styles.items():
        label = f"{step} step{'s' * (step != 1)}"
        ax.plot(x, trace.predictions[step], style, color=color, label=label)
    ax.plot(points, episode.targets, "^", color="#D55E00", label="known points")
    ax.set(title=name, xlabel="x")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("y")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)

# %%
# The trace also tells what the ten steps moved, layer by layer, and which points mattered: the
# derivative of the loss on the whole curve with respect to the weight of each point's loss. More
# of a point with a negative one would have helped.
trace = trace_adaptation(learner, maml, episode, n_steps=10)
for layer, change in zip(trace.layers, trace.changes[-1], strict=True):
    print(f"layer {layer}: moved by {100 * change:.1f} % of its size")
pd.DataFrame({"x": points[:, 0].numpy(), "influence": trace.support_influence}).T.round(2)
