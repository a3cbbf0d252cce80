"""The records that stand in object storage: one a trial, one a tuned model, one an experiment."""

from tuner_job.records.assessment import (
    CalibrationRecord,
    CauseRecord,
    CoverageRecord,
    PopulationScore,
    ResidualRecord,
    Step,
    StepGain,
    StepName,
)
from tuner_job.records.base import (
    DEFAULT_TRIAL,
    GONE,
    Interval,
    Scores,
    StopReason,
    Stored,
    TrialState,
)
from tuner_job.records.estimator import ESTIMATORS, SHIFTS, CsmfEstimator, EstimatorName, Shift
from tuner_job.records.experiment import (
    BestModel,
    Candidate,
    ExperimentSummary,
    Kind,
    Provenance,
    Role,
    VariableRecord,
)
from tuner_job.records.progress import (
    BestSoFar,
    ModelProgressRecord,
    ProgressRecord,
    RunStage,
    RunState,
    utc,
)
from tuner_job.records.start import KnownRecord, SettledSource, StartRecord
from tuner_job.records.study import FittedRows, Member, ModelSummary, StudySummary
from tuner_job.records.trial import FoldRecord, Source, Stage, TrialRecord

__all__ = [
    "DEFAULT_TRIAL",
    "ESTIMATORS",
    "GONE",
    "SHIFTS",
    "BestModel",
    "BestSoFar",
    "CalibrationRecord",
    "Candidate",
    "CauseRecord",
    "CoverageRecord",
    "CsmfEstimator",
    "EstimatorName",
    "ExperimentSummary",
    "FittedRows",
    "FoldRecord",
    "Interval",
    "Kind",
    "KnownRecord",
    "Member",
    "ModelProgressRecord",
    "ModelSummary",
    "PopulationScore",
    "ProgressRecord",
    "Provenance",
    "ResidualRecord",
    "Role",
    "RunStage",
    "RunState",
    "Scores",
    "SettledSource",
    "Shift",
    "Source",
    "Stage",
    "StartRecord",
    "Step",
    "StepGain",
    "StepName",
    "StopReason",
    "Stored",
    "StudySummary",
    "TrialRecord",
    "TrialState",
    "VariableRecord",
    "utc",
]
