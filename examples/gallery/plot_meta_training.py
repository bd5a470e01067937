"""
Meta-training on one's own tables
=================================

A workshop has a table of labelled measurements for each of its machines. On every machine one
sensor gives a fault away, by readings that are too high or too low; which one differs from machine
to machine. :class:`~sklearn_metaexplain.training.MetaTrainer` learns from the tables of 60
machines how such tables are to be read, so that a few labelled rows of a new machine suffice.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_metaexplain import PrototypeClassifier
from sklearn_metaexplain.inspection import DependenceDisplay
from sklearn_metaexplain.training import MetaTrainer, TableTasks

random = np.random.default_rng(0)
SENSORS = ["heat", "noise", "power", "pressure", "speed", "torque"]


def draw_machine(n_rows):
    """Draw a machine: the sensors' readings, and whether all was well."""
    X = random.normal(size=(n_rows, len(SENSORS)))
    is_faulty = np.arange(n_rows) % 2 == 1
    side = random.choice([-1, 1], is_faulty.sum())
    X[is_faulty, random.integers(len(SENSORS))] = side * random.normal(2, 0.4, is_faulty.sum())
    return pd.DataFrame(X, columns=SENSORS), np.where(is_faulty, "faulty", "fine")


machines = [draw_machine(60) for _ in range(60)]

# %%
# A list of pairs (X, y) is all that ``fit`` needs; a distribution of tasks says more, here how many
# rows are read and how many are to be labelled. Tasks held out are drawn from a quarter of each
# machine's rows, which is set aside and never trained on. (``init="default"`` would start from the
# shipped weights instead of from nothing.)
trainer = MetaTrainer(
    "prototype",
    n_steps=120,
    lr=5e-3,
    network_params={"encoder": {"width": 16}},
    validation_tasks=32,
    random_state=0,
)
trainer.fit(TableTasks(machines, max_support=48, n_query=30))
history = trainer.history_
pd.DataFrame(
    {name: history[:, name] for name in ("train_loss", "valid_loss", "valid_accuracy")},
    index=pd.Index(np.cumsum(history[:, "train_batch_count"]), name="steps"),
).round(3)

# %%
# The file that ``save`` writes is what estimators take as ``pretrained``. On new machines, with few
# labelled rows of each, the classifier is ahead of those that have to start anew.
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "machines.safetensors"
trainer.save(path)
classifiers = {
    "meta-trained prototypes": PrototypeClassifier(pretrained=path),
    "random forest": RandomForestClassifier(random_state=0),
    "support vector machine": make_pipeline(StandardScaler(), SVC()),
}
new_machines = [draw_machine(200) for _ in range(25)]
sizes = [4, 8, 16, 32]
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for (name, classifier), color in zip(
    classifiers.items(), ["#0072B2", "#D55E00", "#555555"], strict=True
):
    scores = np.array(
        [
            [classifier.fit(X[:n], y[:n]).score(X[64:], y[64:]) for X, y in new_machines]
            for n in np.multiply(2, sizes)
        ]
    )
    error = scores.std(axis=1, ddof=1) / len(new_machines) ** 0.5
    ax.errorbar(sizes, scores.mean(axis=1), error, label=name, color=color, capsize=3)
ax.set(
    xscale="log",
    xticks=sizes,
    xticklabels=sizes,
    xlabel="labelled rows of each class",
    ylabel="accuracy on new machines",
)
ax.minorticks_off()
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)

# %%
# It says what it has found, too: of a new machine, the sensor that gives faults away, and that
# readings on either side do.
X, y = new_machines[0]
classifier = PrototypeClassifier(pretrained=path).fit(X[:32], y[:32])
folder.cleanup()
explanation = classifier.explain(X[64:]).for_output("faulty")
sensor = pd.Series(abs(explanation.values[..., 0]).mean(axis=0), SENSORS).idxmax()
DependenceDisplay.from_explanation(explanation, sensor)

# %%
# The strategy here is to read the labelled rows in context. With a learner that has an inner loop,
# such as ``learner=MAML(n_inner_steps=2)``, the file names the learner, and ``fit`` takes its steps
# on the labelled rows (see ``classifier.trace_adaptation``). A network that reads in context has
# little need of them; one that does not lives by them: see :ref:`the sinusoids
# <sphx_glr_auto_gallery_plot_maml_sinusoid.py>`.
