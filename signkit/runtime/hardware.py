"""What a run computes on, for its record."""

import subprocess
from typing import Any


def gpu(device: str) -> dict[str, Any] | None:
    """Name, memory in bytes and capability of a GPU, and the versions of its driver, CUDA and cuDNN; None for
    another device."""
    if not device.startswith("cuda"):
        return None
    import torch

    found = torch.cuda.get_device_properties(device)
    return {
        "name": found.name,
        "memory": found.total_memory,
        "capability": f"{found.major}.{found.minor}",
        "driver": _driver(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def _driver() -> str | None:
    words = ("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.split()
    return lines[0] if done.returncode == 0 and lines else None
