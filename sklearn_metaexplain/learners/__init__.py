"""Learners: how a network learns from a task and is meta-trained for it."""

from sklearn_metaexplain.learners._anil import ANIL
from sklearn_metaexplain.learners._base import Learner
from sklearn_metaexplain.learners._episodic import Episodic
from sklearn_metaexplain.learners._in_context import InContext
from sklearn_metaexplain.learners._inner_loop import InnerLoopLearner
from sklearn_metaexplain.learners._learned_optimizer import LearnedOptimizer
from sklearn_metaexplain.learners._loss import EpisodeLoss, SupervisedEpisode, SupervisedObjective
from sklearn_metaexplain.learners._maml import MAML
from sklearn_metaexplain.learners._rates import InnerRates
from sklearn_metaexplain.learners._record import learner_from_record, learner_record
from sklearn_metaexplain.learners._reptile import Reptile
from sklearn_metaexplain.learners._trace import AdaptationTrace, trace_adaptation

# By code point, as everywhere in the package.
__all__ = [  # noqa: RUF022
    "ANIL",
    "AdaptationTrace",
    "EpisodeLoss",
    "Episodic",
    "InContext",
    "InnerLoopLearner",
    "InnerRates",
    "LearnedOptimizer",
    "Learner",
    "MAML",
    "Reptile",
    "SupervisedEpisode",
    "SupervisedObjective",
    "learner_from_record",
    "learner_record",
    "trace_adaptation",
]
