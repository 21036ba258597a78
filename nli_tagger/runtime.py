"""ONNX Runtime sessions with the settings that a CPU server needs."""

import os
from pathlib import Path

import onnxruntime

from nli_tagger.errors import BundleError


def available_cores() -> int:
    """Cores this process may use: its CPU affinity and, in a container, the cgroup's quota; never the host's count."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _cgroup_quota() or cores))


def session(path: Path, threads: int | None = None) -> onnxruntime.InferenceSession:
    """Opens a graph. Raises `BundleError` when ONNX Runtime cannot read it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_cores()
    options.inter_op_num_threads = 1
    # inputs change size with every request: patterns would be planned and thrown away, and the
    # arena would keep the largest request for ever (onnxruntime issues 9313, 11627, 23339)
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False
    # spinning threads would take the cores from the other work of the server
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(f"{path} is not a graph that ONNX Runtime can run: {error}") from error


def _cgroup_quota() -> int | None:
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if quota == "max" else max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None
