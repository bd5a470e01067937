"""Meta-training as an estimator."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from torch import nn

from sklearn_metaexplain.learners import Learner
from sklearn_metaexplain.training._learner_net import draw_tasks
from sklearn_metaexplain.training._meta_trained import MetaTrainedMixin
from sklearn_metaexplain.training._networks import (
    KINDS,
    check_episode,
    check_network_device,
    make_learner,
    make_module,
    make_objective,
)
from sklearn_metaexplain.training._outer_loop import outer_batch_size, outer_lr, run_outer_loop
from sklearn_metaexplain.training._own_tasks import divide_tasks
from sklearn_metaexplain.training._run_dir import N_COMPARED, choose_seed, claim, run_settings


class MetaTrainer(MetaTrainedMixin, BaseEstimator):
    """Meta-train a network on tables or models, by any learner.

    `fit` draws tasks, has the learner find the meta-gradient of each, and takes a step of the
    outer optimiser for every few of them; `save` writes weights that the estimators of this
    package take as ``pretrained=path``. Where the learner has an inner loop, they then take its
    steps on the rows that they are fitted to.

    Parameters
    ----------
    network : {"prototype", "matching", "attention", "kernel"}, callable or Module, \
            default="prototype"
        What is trained: the network of `PrototypeClassifier`, `MatchingClassifier` or
        `AttentionClassifier`, on labelled tables; "kernel", that of `MetaExplainer`, on models;
        or a network of one's own, a module or what makes one, on whatever `objective` takes.
    learner : Learner, default=None
        How the network learns from a task; a RandomState of it gives way to an int, drawn from
        it. None: `InContext`, by reading its support.
    objective : Module, default=None
        The loss of an episode, see `~sklearn_metaexplain.learners.EpisodeLoss`. None: that of
        the network; one of one's own needs one.
    n_steps : int, default=1000
        Outer steps. None: as many as `minutes` allow.
    minutes : float, default=None
        Wall-clock budget of training over all sittings. None: no limit. With one, what comes out
        depends on the clock.
    steps_per_epoch : int, default=50
        Outer steps between validations, each of which leaves a checkpoint.
    meta_batch_size : int, default=None
        Tasks of an outer step. None: that of the learner, where it has one, else 8.
    lr : float, default=None
        Peak learning rate of the outer optimiser; it rises over the first fiftieth of the training
        and falls as a cosine. None: 2e-3; for `Reptile` by "sgd", whose gradient is a way to go,
        1.
    init : str or path, default=None
        Weights to start from: registered ones or a file. What its learner has learned is taken
        over if `learner` is of the same kind and steps the same parameters, or reads gradients
        alike; a warning tells where that of the same kind is not. None: from scratch.
    network_params : dict, default=None
        Keyword arguments of the network, such as ``{"encoder": {"width": 16}}``,
        ``{"metric": "cosine"}`` for "matching" or ``{"gate": "sparsemax"}`` for "attention".
        Classifiers must then ask for that metric or gate. With `init`, what is not named here is
        as the file's network was trained.
    validation_tasks : int, default=64
        Tasks that are held out; the weights kept are those of the epoch with the least loss on
        them.
    run_dir : str or path, default=None
        Folder of the checkpoints. `fit` goes on from the one it finds, if it is of the same run,
        to the result that it would have had without the interruption, also by Ctrl-C, after which
        `fit` raises KeyboardInterrupt. `n_steps` and `minutes` may grow; steps that were
        taken keep the learning rates of the shorter run, which had fallen already. None: a
        temporary one.
    n_jobs : int, default=None
        Processes that draw tasks beside the one that trains, with the same result; -1: as many as
        there are processors. None: none.
    device : str, default="cpu"
        Where the network is; "kernel" is trained on the CPU only.
    random_state : int, RandomState or None, default=None
        Seed of the initial values and of the tasks.
    verbose : int, default=0
        Prints skorch's table of epochs if positive.

    Attributes
    ----------
    network_ : Module
        The network.
    learner_ : Learner
        The learner.
    state_ : Module or None
        What the learner has learned itself: rates, or a learned optimiser.
    objective_ : Module
        The loss.
    initial_loss_ : float
        Mean query loss of the tasks held out, after adaptation, before training.
    validation_loss_ : float
        The same of the weights kept.
    n_steps_ : int
        Outer steps taken.
    net_ : LearnerNet
        The skorch net; its `kept_epoch_` is the number of the epoch whose weights were kept, 0
        for the start.
    history_ : History
        Its history: ``train_loss`` and ``valid_loss``, query losses after adaptation, of each
        epoch; for tables also ``train_accuracy`` and ``valid_accuracy``.

    See Also
    --------
    TableTasks : Tasks out of tables.
    ModelTasks : Tasks out of models.
    sklearn_metaexplain.learners.MAML : A learner with an inner loop.

    Notes
    -----
    The meta-gradient of an outer step, the mean over its tasks, is shortened to a norm of 1 where
    it is longer. That of `Reptile`, which is a way to go, is taken at its full length.

    Where the learner looks through inner steps of network="kernel", the meta-gradient is an
    approximation: that network refines its proposal by gradients of the likelihood, which count
    as constants.

    Labelled tables in which no class has two support rows are drawn again for learners with an
    inner loop, whose steps would do nothing on them; so are those, for `Episodic` with `n_way`, in
    which fewer than two classes have support rows as well as query rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metaexplain.learners import MAML
    >>> from sklearn_metaexplain.training import MetaTrainer
    >>> rng = np.random.default_rng(0)
    >>> tables = []
    >>> for _ in range(10):  # of three columns, one tells the classes apart
    ...     X, y = rng.normal(size=(24, 3)), np.repeat(["no", "yes"], 12)
    ...     X[y == "yes", rng.integers(3)] += 3
    ...     tables.append((X, y))
    >>> trainer = MetaTrainer(
    ...     "prototype", learner=MAML(first_order=True), n_steps=5, lr=0.02, validation_tasks=4,
    ...     network_params={"encoder": {"width": 4, "n_layers": 0}}, random_state=0,
    ... ).fit(tables)
    >>> trainer.validation_loss_ < trainer.initial_loss_
    True
    >>> trainer.evaluate(tables, n_tasks=10).accuracy > 0.6
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "network": [StrOptions(set(KINDS)), callable],
        "learner": [HasMethods(["accumulate", "adapt", "make_state"]), None],
        "objective": [callable, None],
        "n_steps": [Interval(Integral, 1, None, closed="left"), None],
        "minutes": [Interval(Real, 0, None, closed="neither"), None],
        "steps_per_epoch": [Interval(Integral, 1, None, closed="left")],
        "meta_batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "lr": [Interval(Real, 0, None, closed="neither"), None],
        "init": [str, PathLike, None],
        "network_params": [Mapping, None],
        "validation_tasks": [Interval(Integral, 1, None, closed="left")],
        "run_dir": [str, PathLike, None],
        "n_jobs": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
            None,
        ],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        network: Any = "prototype",
        *,
        learner: Learner | None = None,
        objective: nn.Module | None = None,
        n_steps: int | None = 1000,
        minutes: float | None = None,
        steps_per_epoch: int = 50,
        meta_batch_size: int | None = None,
        lr: float | None = None,
        init: str | PathLike | None = None,
        network_params: Mapping[str, Any] | None = None,
        validation_tasks: int = 64,
        run_dir: str | PathLike | None = None,
        n_jobs: int | None = None,
        device: str = "cpu",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.network = network
        self.learner = learner
        self.objective = objective
        self.n_steps = n_steps
        self.minutes = minutes
        self.steps_per_epoch = steps_per_epoch
        self.meta_batch_size = meta_batch_size
        self.lr = lr
        self.init = init
        self.network_params = network_params
        self.validation_tasks = validation_tasks
        self.run_dir = run_dir
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    # The learner is validated where it is used.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, tasks: Any, y: Any = None, *, validation: Any = None) -> MetaTrainer:
        """Meta-train the network.

        Parameters
        ----------
        tasks : TaskDistribution, list of pairs, or mapping of str to pair
            What is learned from: a distribution, or pairs ``(X, y)`` or ``(X, fitted model)``,
            which become `TableTasks` or `ModelTasks`.
        y : None
            Not used.
        validation : TaskDistribution, list of pairs, or mapping of str to pair, default=None
            Where the tasks held out come from, such as other tables. None: of pairs, `TableTasks`
            and `ModelTasks`, from a quarter of each table's rows, which is set aside and never
            trained on; of other distributions, from `tasks`, drawn with other seeds.

            Tables too small for that are trained on whole and not validated on: those with fewer
            than two classes of six rows or more, or, with a model, with fewer rows in a quarter
            than a task's background and query, by default 14.

        Returns
        -------
        self : MetaTrainer
            With the network trained.

        Raises
        ------
        TypeError
            If `tasks` are no distribution and no pairs, `objective` is no module, or `network`
            makes none.
        ValueError
            If the tasks do not suit the network or the learner, no table is large enough to set
            rows aside for `validation`, `run_dir` has the checkpoints of another run or such as
            cannot be read, or a table cannot be read.

        Warns
        -----
        ConvergenceWarning
            If no epoch was better than the start, whose weights are then kept.
        UserWarning
            If `init` has what a learner of the same kind has learned, and it is not taken over.
        """
        # A fit that fails is none: its learner is not to be judged with the network of one before.
        self._is_complete = False
        device = check_network_device(self.network, self.device)
        if self.n_steps is None and self.minutes is None:
            raise ValueError("n_steps=None and minutes=None: give one of them, to end some time.")
        self.learner_ = make_learner(self.learner)
        self.objective_ = make_objective(self.network, self.objective)
        seed = choose_seed(self.run_dir, self.random_state)
        start_seed, train_seed, validation_seed, split_seed = map(
            int, np.random.SeedSequence(seed).generate_state(4)
        )
        trained, held_out = divide_tasks(
            tasks, validation, self.learner_, self.objective_, seed=split_seed
        )
        episodes = draw_tasks(held_out, validation_seed, self.validation_tasks)
        check_episode(self.network, self.learner_, episodes[0])
        if validation is not None:  # else they are of one kind
            check_episode(self.network, self.learner_, draw_tasks(trained, train_seed, 1)[0])
        module = make_module(
            self.network, self.network_params, self.init, self.learner_, start_seed
        ).to(device)
        options: dict[str, Any] = {
            "lr": outer_lr(self.lr, self.learner_),
            "meta_batch_size": outer_batch_size(self.meta_batch_size, self.learner_),
            "steps_per_epoch": self.steps_per_epoch,
        }
        with tempfile.TemporaryDirectory() as temporary:
            run_dir = Path(temporary if self.run_dir is None else self.run_dir)
            if self.run_dir is not None:
                settings = run_settings(
                    module,
                    self.objective_,
                    network_params=self.network_params,
                    init=self.init,
                    seed=seed,
                    held_out=episodes,
                    trained=draw_tasks(trained, train_seed, N_COMPARED),
                    **options,
                )
                claim(run_dir, settings)
            self.net_, self.initial_loss_, self.validation_loss_ = run_outer_loop(
                module,
                self.objective_,
                trained,
                episodes,
                run_dir=run_dir,
                minutes=self.minutes,
                n_steps=self.n_steps,
                n_jobs=self.n_jobs,
                verbose=self.verbose,
                device=self.device,
                seed=train_seed,
                **options,
            )
        self.history_ = self.net_.history
        self.n_steps_ = sum(row["train_batch_count"] for row in self.history_)
        self.network_ = module.network.eval().requires_grad_(False)
        self.state_ = None if module.state is None else module.state.requires_grad_(False)
        self._is_complete = True
        return self
