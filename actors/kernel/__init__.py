"""Supervised actors on pykka: see docs/kernel.md for what it guarantees."""

from actors.kernel.actor import Actor
from actors.kernel.asks import Reply
from actors.kernel.context import Context
from actors.kernel.crash import CrashRecord
from actors.kernel.faults import (
    ActorUnavailable,
    AskRefused,
    AskTimeout,
    KernelError,
    NotReady,
    ProcessKilled,
    StaleEpoch,
    VirtualHang,
)
from actors.kernel.inspection import ActorInfo, Conservation, TimerInfo, TreeNode
from actors.kernel.kernel import Kernel, Parts
from actors.kernel.notices import (
    ActorCrashed,
    ActorHung,
    ActorParked,
    ActorRemoved,
    ActorRestarted,
    DeadLetter,
    GroupEscalated,
    IncidentOpened,
    Notice,
    SystemFailed,
    Terminated,
)
from actors.kernel.questions import CrashedOnPurpose
from actors.kernel.ref import Ref
from actors.kernel.runtime import Handle, Runtime
from actors.kernel.specs import (
    Backoff,
    ChildSpec,
    Dispatcher,
    GroupSpec,
    Intensity,
    PhaseReport,
    Restart,
    ShutdownPhase,
    ShutdownReport,
    Strategy,
)
from actors.kernel.system import ActorSystem
from actors.kernel.thread_runtime import ThreadRuntime
from actors.kernel.tracing import Handled, Tracer
from actors.kernel.virtual_runtime import VirtualRuntime
from actors.kernel.virtual_time import VirtualTime

__all__ = [
    "Actor",
    "ActorCrashed",
    "ActorHung",
    "ActorInfo",
    "ActorParked",
    "ActorRemoved",
    "ActorRestarted",
    "ActorSystem",
    "ActorUnavailable",
    "AskRefused",
    "AskTimeout",
    "Backoff",
    "ChildSpec",
    "Conservation",
    "Context",
    "CrashRecord",
    "CrashedOnPurpose",
    "DeadLetter",
    "Dispatcher",
    "GroupEscalated",
    "GroupSpec",
    "Handle",
    "Handled",
    "IncidentOpened",
    "Intensity",
    "Kernel",
    "KernelError",
    "NotReady",
    "Notice",
    "Parts",
    "PhaseReport",
    "ProcessKilled",
    "Ref",
    "Reply",
    "Restart",
    "Runtime",
    "ShutdownPhase",
    "ShutdownReport",
    "StaleEpoch",
    "Strategy",
    "SystemFailed",
    "Terminated",
    "ThreadRuntime",
    "TimerInfo",
    "Tracer",
    "TreeNode",
    "VirtualHang",
    "VirtualRuntime",
    "VirtualTime",
]
