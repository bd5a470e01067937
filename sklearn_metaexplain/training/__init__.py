"""Meta-training: where tasks come from, and what learns from them."""

from sklearn_metaexplain.training._meta_trainer import MetaTrainer
from sklearn_metaexplain.training._model_tasks import ModelTasks
from sklearn_metaexplain.training._table_tasks import TableTasks
from sklearn_metaexplain.training._task_distributions import (
    SyntheticModels,
    SyntheticTables,
    TaskDistribution,
)

__all__ = [
    "MetaTrainer",
    "ModelTasks",
    "SyntheticModels",
    "SyntheticTables",
    "TableTasks",
    "TaskDistribution",
]
